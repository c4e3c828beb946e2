"""The access log: one line per finished request, cheap for the event loop.

Lines are kept for at most 100 ms or 64 KiB and then handed to a thread that writes them, as a
write to a disk or to a full pipe may block. What waits for that thread is bounded; lines beyond it
are dropped and counted. `accessline` says what a line looks like and what never gets into one.
"""

from __future__ import annotations

import asyncio
import os
import queue
import stat
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import structlog

from strangler.config import model
from strangler.proxy.accessline import Formatter, formatter, sampled

if TYPE_CHECKING:
    from strangler.proxy.exchange import Exchange

FLUSH_AFTER: Final = 0.1
"""Seconds that a line may wait in the loop."""
FLUSH_BYTES: Final = 64 * 1024
MAX_WAITING: Final = 8 * 1024 * 1024
"""Bytes handed to the thread and not yet written."""
PIPE_BYTES: Final = 4096
"""Workers share a pipe; only writes up to this size never mix (POSIX's PIPE_BUF on Linux)."""

log = structlog.get_logger()


class AccessLog:
    """A worker's access log. All methods belong to the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, dropped: Callable[[int], None]) -> None:
        self._loop = loop
        self._dropped = dropped
        self._settings = model.AccessLog(format=model.LogFormat.OFF)
        self._format: Formatter | None = None
        self._lines: list[bytes] = []
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._writer: _Writer | None = None

    @property
    def on(self) -> bool:
        """Whether anything is logged."""
        return self._format is not None

    def configure(self, settings: model.AccessLog) -> None:
        """Log as these settings say from now on."""
        if settings == self._settings:
            return
        self.close(timeout=0)  # its thread writes on, the loop need not wait for it
        self._settings = settings
        self._format = formatter(settings.format)
        if self._format is not None:
            self._writer = _Writer(settings.path)

    def log_request(self, request: Exchange, duration_us: int) -> None:
        """Log a request that has ended, if the sample takes it."""
        if self._format is None or not sampled(request, self._settings.sample):
            return
        line = self._format(request, duration_us)
        self._lines.append(line)
        self._bytes += len(line)
        if self._bytes >= FLUSH_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(FLUSH_AFTER, self.flush)

    def flush(self) -> None:
        """Hand the waiting lines to the thread."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines, self._bytes = self._lines, [], 0
        if lines and self._writer is not None and not self._writer.put(lines):
            self._dropped(len(lines))

    def reopen(self) -> None:
        """Write to the path anew: the file was moved away."""
        self.flush()
        if self._writer is not None:
            self._writer.reopen()

    def close(self, timeout: float = 2.0) -> None:
        """Write what waits, for at most `timeout` seconds, and stop the thread."""
        self.flush()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close(timeout)


class _Writer:
    """The thread and what waits for it. `None` in the queue ends it; "" makes it reopen."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._queue: queue.SimpleQueue[list[bytes] | str | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def put(self, lines: list[bytes]) -> bool:
        """Queue lines; False if too much waits already."""
        size = sum(map(len, lines))
        with self._lock:
            if self._waiting + size > MAX_WAITING:
                return False
            self._waiting += size
        self._queue.put(lines)
        return True

    def reopen(self) -> None:
        self._queue.put("")

    def close(self, timeout: float) -> None:
        self._queue.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        fd = self._open()
        while (job := self._queue.get()) is not None:
            if isinstance(job, str):
                _close(fd)
                fd = self._open()
                continue
            _write(fd, job)
            with self._lock:
                self._waiting -= sum(map(len, job))
        _close(fd)

    def _open(self) -> int | None:
        if self._path == "-":
            return sys.__stdout__.fileno() if sys.__stdout__ else None
        try:
            return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            log.error("access_log_not_open", path=self._path, error=error.strerror)
            return None


def _close(fd: int | None) -> None:
    if fd is not None and fd > 2:  # standard output stays open
        os.close(fd)


def _write(fd: int | None, lines: list[bytes]) -> None:
    """Write whole lines; one that cannot be written is lost, as there is nobody to tell."""
    if fd is None:
        return
    try:
        pieces = _pieces(lines) if stat.S_ISFIFO(os.fstat(fd).st_mode) else [b"".join(lines)]
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(fd, rest) :]
    except OSError as error:
        log.error("access_log_not_written", error=error.strerror, lines=len(lines))


def _pieces(lines: list[bytes]) -> list[bytes]:
    """Lines joined into pieces that a pipe takes whole."""
    pieces: list[bytes] = []
    for line in lines:
        if pieces and len(pieces[-1]) + len(line) <= PIPE_BYTES:
            pieces[-1] += line
        else:
            pieces.append(line)
    return pieces
