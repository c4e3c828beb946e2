"""1 GiB streamed through a proxy each way, at full speed and past a slow reader.

What is looked for is memory: a proxy that reads faster than the other side takes would keep the
difference. Growth counts from before the first transfer, for all of them.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from bench import verify
from bench.cases.base import Case, Context
from bench.peers.base import Running
from bench.setup import Setup

GIB = 1 << 30
BLOCK = 256 * 1024
SLOW_BLOCK = 64 * 1024
SLOW_PAUSE = 0.02
"""Seconds between two reads of the slow client: about 3 MB/s."""
SAMPLE = 0.005
"""Seconds between two looks at the memory."""


def one_gibibyte(running: Running, _setup: Setup, context: Context) -> Mapping[str, float]:
    """MB/s and growth in bytes: down, up, slow_down (client reads slowly), slow_up (upstream)."""
    verify.check_post(running)
    length = size(quick=context.quick)
    slow = 1.0 if context.quick else 3.0
    before = running.rss()
    transfers: Mapping[str, Callable[[], float]] = {
        "down": lambda: download(running.port, length),
        "up": lambda: upload(running.port, length),
        "slow_down": lambda: slow_download(running.port, length, slow),
        "slow_up": lambda: slow_upload(running.port, length, slow),
    }
    values: dict[str, float] = {}
    for name, transfer in transfers.items():
        with peak(running) as highest:
            values[f"{name}_mb_s"] = transfer() / 1e6
        values[f"{name}_growth"] = max(highest) - before
    return values


def size(*, quick: bool) -> int:
    """Bytes of each transfer."""
    return GIB // 8 if quick else GIB


@contextmanager
def peak(running: Running) -> Iterator[list[int]]:
    """Collects the worker's resident memory while the body runs."""
    seen = [running.rss()]
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(SAMPLE):
            seen.append(running.rss())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def download(port: int, length: int) -> float:
    """Bytes per second. Raises WrongAnswerError when the answer is not `length` bytes long."""
    began = time.perf_counter()
    with _request(port, f"GET /svc-000/bytes/{length} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as sock:
        left = length - len(_body_begun(sock))
        buffer = bytearray(BLOCK)
        while left > 0 and (read := sock.recv_into(buffer)):
            left -= read
    if left:
        raise verify.WrongAnswerError(f"{left} bytes of the download are missing")
    return length / (time.perf_counter() - began)


def upload(port: int, length: int) -> float:
    """Bytes per second. Raises WrongAnswerError when the upstream counted something else."""
    began = time.perf_counter()
    with _request(port, _post("count", length)) as sock:
        block = bytes(BLOCK)
        for _ in range(length // BLOCK):
            sock.sendall(block)
        counted = _body_begun(sock)
    if counted != b'{"bytes":%d}' % length:
        raise verify.WrongAnswerError(f"the upstream counted {counted!r}")
    return length / (time.perf_counter() - began)


def slow_download(port: int, length: int, seconds: float) -> float:
    """Bytes per second that a slow reader took before it left."""
    began, taken = time.perf_counter(), 0
    with _request(port, f"GET /svc-000/bytes/{length} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as sock:
        while time.perf_counter() - began < seconds:
            taken += len(sock.recv(SLOW_BLOCK))
            time.sleep(SLOW_PAUSE)
    return taken / seconds


def slow_upload(port: int, length: int, seconds: float) -> float:
    """Bytes per second that could be sent to an upstream that reads slowly."""
    began, given = time.perf_counter(), 0
    with _request(port, _post("slow", length)) as sock:
        block = bytes(BLOCK)
        while (left := seconds - (time.perf_counter() - began)) > 0:
            sock.settimeout(left)
            try:
                given += sock.send(block)
            except TimeoutError:
                break
    return given / seconds


def _post(where: str, length: int) -> str:
    head = f"POST /svc-000/{where} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    return f"{head}Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"


def _request(port: int, head: str) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    sock.sendall(head.encode())
    return sock


def _body_begun(sock: socket.socket) -> bytes:
    """What has arrived of the body once the head is complete. Raises WrongAnswerError."""
    data = b""
    while b"\r\n\r\n" not in data or data.endswith(b"\r\n\r\n"):
        part = sock.recv(BLOCK)
        if not part:
            raise verify.WrongAnswerError("the connection ended within the head")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise verify.WrongAnswerError(f"answer {head[:100]!r}")
    return body


CASES = (Case("stream", Context.bodies, one_gibibyte, most_rounds=1, fresh=True),)
