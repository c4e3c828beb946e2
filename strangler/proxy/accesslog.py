"""The access log: one line per finished request, cheap for the event loop.

Lines are kept for at most 100 ms or 64 KiB and then handed to a thread that writes them, as a
write to a disk or to a full pipe may block. What waits for that thread is bounded; lines beyond it
are dropped and counted, as are those that cannot be written. `accessline` says what a line looks
like and what never gets into one.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from strangler.config import model
from strangler.proxy.accessline import Formatter, formatter, sampled
from strangler.proxy.logsink import LogSink

if TYPE_CHECKING:
    from strangler.proxy.exchange import Exchange

FLUSH_AFTER: Final = 0.1
"""Seconds that a line may wait in the loop."""
FLUSH_BYTES: Final = 64 * 1024
MAX_WAITING: Final = 8 * 1024 * 1024
"""Bytes handed to the thread and not yet written."""


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
        if lines and self._writer is not None:
            taken = self._writer.put(lines)
            self._dropped(self._writer.taken_lost() + (0 if taken else len(lines)))

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
            self._dropped(writer.taken_lost())


class _Writer:
    """The thread and what waits for it. `None` in the queue ends it; "" makes it reopen."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._queue: queue.SimpleQueue[list[bytes] | str | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lost = 0
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

    def taken_lost(self) -> int:
        """Lines that could not be written since the last call."""
        with self._lock:
            lost, self._lost = self._lost, 0
        return lost

    def _run(self) -> None:
        sink = LogSink(self._path)
        while (job := self._queue.get()) is not None:
            if isinstance(job, str):
                sink.reopen()
                continue
            lost = sink.write(job)
            with self._lock:
                self._waiting -= sum(map(len, job))
                self._lost += lost
        sink.close()
