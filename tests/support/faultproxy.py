"""A TCP proxy on which a test cuts, stalls or slows what passes through it.

The proxy knows nothing of what it carries: one thread for each connection and direction, and
all of them end with the proxy.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Iterator
from enum import Enum

ROUND = 0.05
"""Seconds after which a thread looks again at what it is to do."""
AT_ONCE = 64 * 1024
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on for 0 seconds: closing sends RST, as a firewall that cuts does."""


class Mode(Enum):
    """What becomes of what comes in."""

    PASS = "pass"
    CUT = "cut"
    """What is open is reset, and what comes is reset."""
    STALL = "stall"
    """Connections are accepted and stay open; nothing goes on."""
    DELAY = "delay"
    """Every piece goes on some time later."""


class FaultProxy:
    """Listens on a free port of the loopback interface, and carries to another."""

    def __init__(self, port: int, delay: float = 0.1) -> None:
        self._to, self._delay = port, delay
        self._mode = Mode.PASS
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(ROUND)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        """How many were made in all."""
        self.stalled = 0
        """How many pieces came while everything stood still."""
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def turn(self, mode: Mode) -> None:
        """From now on."""
        with self._changed:
            self._mode = mode
            self._changed.notify_all()

    def close(self) -> None:
        """End everything; bounded."""
        self._stop.set()
        self.turn(Mode.CUT)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "a thread of the proxy does not end"
        self._listener.close()

    def _start(self, work, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            self._start(self._carry, near)

    def _carry(self, near: socket.socket) -> None:
        """One connection, both ways, until either side or the mode ends it."""
        with contextlib.ExitStack() as closing:
            closing.enter_context(near)
            try:
                far = socket.create_connection(("127.0.0.1", self._to), timeout=5)
            except OSError:
                _reset(near)
                return
            closing.enter_context(far)
            other = {near: far, far: near}
            try:
                while self._goes_on() and self._piece(other):
                    pass
            except OSError:
                pass  # one of them has gone
            _reset(near)
            _reset(far)

    def _goes_on(self) -> bool:
        """False where the connection is to be cut; waits while everything stands still."""
        with self._changed:
            if self._mode is Mode.STALL:
                self._changed.wait(ROUND)
            return self._mode is not Mode.CUT and not self._stop.is_set()

    def _piece(self, other: dict[socket.socket, socket.socket]) -> bool:
        """Carry what has come; False at the end of either side."""
        ready, _, _ = select.select(list(other), [], [], ROUND)
        if self._mode is Mode.STALL:
            self.stalled += len(ready)
            return True
        for each in ready:
            data = each.recv(AT_ONCE)
            if not data:
                return False
            if self._mode is Mode.DELAY:
                self._stop.wait(self._delay)
            other[each].sendall(data)
        return True


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


@contextlib.contextmanager
def fault_proxy(port: int, delay: float = 0.1) -> Iterator[FaultProxy]:
    """One that is closed at the end of the block."""
    proxy = FaultProxy(port, delay)
    try:
        yield proxy
    finally:
        proxy.close()
