"""Where access-log lines end up: a file or standard output, which may be full or gone for a while.

Belongs to the thread that writes; every call may block.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Sequence
from typing import Final

import structlog

PIPE_BYTES: Final = 4096
"""Workers share a pipe; only writes up to this size never mix (POSIX's PIPE_BUF on Linux)."""
TRY_AGAIN: Final = 1.0
"""Seconds between two attempts to open a path that could not be opened."""

log = structlog.get_logger()


class LogSink:
    """Writes whole lines to a path, `-` for standard output. Trouble is told once, not per line."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd: int | None = None
        self._tried = 0.0
        self._told: str | None = None
        self._torn = False
        """Whether the last line in the file lacks its end."""
        self.reopen()

    def write(self, lines: Sequence[bytes]) -> int:
        """Write lines, each with its end; how many were lost."""
        if self._fd is None and time.monotonic() - self._tried >= TRY_AGAIN:
            self.reopen()
        if self._fd is None:
            return len(lines)
        rest = b"".join(lines)
        try:
            if self._torn:
                os.write(self._fd, b"\n")
            limit = PIPE_BYTES if stat.S_ISFIFO(os.fstat(self._fd).st_mode) else len(rest)
            while rest:
                written = os.write(self._fd, piece(rest, limit))
                self._torn = rest[written - 1 : written] != b"\n"
                rest = rest[written:]
        except OSError as error:
            self._tell(error)
            return rest.count(b"\n")
        self._told = None
        return 0

    def reopen(self) -> None:
        """Open the path anew; if that cannot be, what is open stays: better there than nowhere."""
        self._tried = time.monotonic()
        try:
            fd = _opened(self._path)
        except OSError as error:
            self._tell(error)
            return
        self.close()
        self._fd, self._torn = fd, False

    def close(self) -> None:
        """Give the file back; standard output stays open."""
        if self._fd is not None and self._fd > 2:
            os.close(self._fd)
        self._fd = None

    def _tell(self, error: OSError) -> None:
        if error.strerror != self._told:
            self._told = error.strerror
            log.error("access_log_not_written", path=self._path, error=error.strerror)


def piece(text: bytes, limit: int) -> bytes:
    """As many whole lines from the start of `text` as `limit` bytes hold, but at least one."""
    if len(text) <= limit:
        return text
    return text[: text.rfind(b"\n", 0, limit) + 1 or text.find(b"\n") + 1]


def _opened(path: str) -> int:
    """A descriptor to append to; raises OSError."""
    if path != "-":
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    if sys.__stdout__ is None:
        raise OSError(errno.EBADF, "there is no standard output")
    return sys.__stdout__.fileno()
