"""Open-loop load at a fixed rate: `python -m bench.openloop PORT REQUESTS_FILE RATE SECONDS`.

A closed loop sends less while the proxy is slow and so hides what it should show (coordinated
omission). Here each request has a time at which it is due, and its latency counts from then,
whether or not a connection was free.

It waits with select(2), which takes microseconds; the timers of asyncio and uvloop round to
milliseconds, more than the latencies measured here. It sleeps rather than spins, as the upstream
shares its core. Prints one JSON line: requests, errors, p50_us, p99_us, late_us (p99 of its own
delay in sending).
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from bench.requests import read
from bench.stats import quantile

CONNECTIONS = 64
GRACE = 2.0
"""Seconds to wait for the last answers."""


class Connection:
    """A keep-alive connection that carries one request at a time."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self.buffer = b""

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at `due`."""
        self.due = due
        self.buffer = b""
        self.socket.sendall(request)

    def receive(self) -> bool | None:
        """None while the answer is incomplete, else whether it is a whole 200."""
        data = self.socket.recv(65536)
        self.buffer += data
        return complete(self.buffer) if data else False


def complete(answer: bytes) -> bool | None:
    """None while `answer` lacks bytes, else whether it is a 200 with its whole body."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return None
    if not head.startswith(b"HTTP/1.1 200 "):
        return False
    fields = (line.partition(b":") for line in head.lower().split(b"\r\n")[1:])
    length = next((int(value) for name, _, value in fields if name == b"content-length"), 0)
    return None if len(body) < length else length > 0


class Load:
    """One run."""

    def __init__(self, port: int, requests: Sequence[bytes], rate: float, seconds: float) -> None:
        self.requests = requests
        self.total = int(rate * seconds)
        self.gap = 1 / rate
        self.free = deque(Connection(port) for _ in range(CONNECTIONS))
        self.busy: set[Connection] = set()
        self.latencies: list[float] = []
        self.delays: list[float] = []
        self.errors = 0

    def run(self) -> None:
        """Send everything at its time and wait for the answers."""
        begin = time.perf_counter() + 0.01
        sent = 0
        stop = begin + self.total * self.gap + GRACE
        while (sent < self.total or self.busy) and time.perf_counter() < stop:
            while sent < self.total and self.free and self._is_due(begin + sent * self.gap, sent):
                sent += 1
            due = begin + sent * self.gap if sent < self.total and self.free else stop
            self._wait(max(0.0, due - time.perf_counter()))
        self.errors += self.total - len(self.latencies) - self.errors

    def _is_due(self, due: float, number: int) -> bool:
        now = time.perf_counter()
        if now < due:
            return False
        connection = self.free.popleft()
        self.delays.append(now - due)
        connection.send(self.requests[number % len(self.requests)], due)
        self.busy.add(connection)
        return True

    def _wait(self, seconds: float) -> None:
        for connection in select.select(self.busy, (), (), seconds)[0]:
            answered = connection.receive()
            if answered is None:
                continue
            self.busy.discard(connection)
            if answered:
                self.latencies.append(time.perf_counter() - connection.due)
                self.free.append(connection)
            else:
                self.errors += 1

    def figures(self) -> dict[str, float]:
        """The line that is printed."""
        return {
            "requests": len(self.latencies),
            "errors": self.errors,
            "p50_us": quantile(self.latencies, 0.50) * 1e6,
            "p99_us": quantile(self.latencies, 0.99) * 1e6,
            "late_us": quantile(self.delays, 0.99) * 1e6,
        }


def main() -> None:
    """Run with the arguments of the command line."""
    port, file, rate, seconds = sys.argv[1:]
    Path("/proc/self/timerslack_ns").write_text("1")  # else every sleep is 50 µs longer
    load = Load(int(port), read(Path(file)), float(rate), float(seconds))
    load.run()
    print(json.dumps(load.figures()))


if __name__ == "__main__":
    main()
