"""Transactions that are not yet committed wait on disk, so that memory stays flat.

A file holds framed messages: length, CRC-32, bytes. It belongs to one process and means nothing to
the next one: the source sends an uncommitted transaction again from its start, so whatever is found
at start-up is removed.
"""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from cdc.relay.ports import SourceError

_FRAME, _PART = struct.Struct(">II"), struct.Struct(">I")
_SUFFIX = ".spill"


@dataclass(slots=True)
class _Spilled:
    path: Path
    file: IO[bytes]
    size: int = 0
    dropped: set[int] = field(default_factory=set)
    """Subtransactions that were rolled back."""


class Spill:
    """The transactions in progress of one source, by their number."""

    def __init__(self, folder: Path, limit: int) -> None:
        """`limit`: bytes of all files together."""
        self._folder, self._limit = folder, limit
        self._open: dict[int, _Spilled] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return self._size

    def clean(self) -> None:
        """Begin anew: remove what this process has, and what an earlier one left."""
        self.close()
        with self._failures("cannot be prepared"):
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in self._folder.glob(f"*{_SUFFIX}"):
                path.unlink(missing_ok=True)

    def append(self, transaction: int, part: int, message: bytes) -> None:
        """Keep a message; `part` is its subtransaction. Raises `SourceError` where disk ends."""
        body = _PART.pack(part) + message
        size = _FRAME.size + len(body)
        if self._size + size > self._limit:
            raise SourceError(
                f"uncommitted transactions need more than limits.spill ({self._limit} bytes) in"
                f" {self._folder}: raise it, or end the transaction at the source",
                temporary=False,
            )
        spilled = self._open.get(transaction)
        try:
            if spilled is None:
                path = self._folder / f"{transaction}{_SUFFIX}"
                spilled = self._open[transaction] = _Spilled(path, path.open("w+b"))
            spilled.file.write(_FRAME.pack(len(body), zlib.crc32(body)) + body)
        except OSError as error:  # not by `_failures`, which costs more than the rest
            raise self._failure("takes no more of an uncommitted transaction", error) from error
        spilled.size += size
        self._size += size

    def drop_part(self, transaction: int, part: int) -> None:
        """A subtransaction was rolled back: its messages will be left out."""
        if transaction in self._open:
            self._open[transaction].dropped.add(part)

    def drop(self, transaction: int) -> None:
        """The transaction is over: its file goes."""
        spilled = self._open.pop(transaction, None)
        if spilled is not None:
            self._size -= spilled.size
            with contextlib.suppress(OSError):  # of what it could not write: nobody will read it
                spilled.file.close()
            with self._failures("keeps a file that it should not"):
                spilled.path.unlink(missing_ok=True)

    def messages(self, transaction: int) -> Iterator[bytes]:
        """What was kept of a transaction, in order. Raises `SourceError` for a damaged file."""
        spilled = self._open.get(transaction)
        if spilled is None:
            return  # nothing of it concerned our tables
        with self._failures("does not give back what it took"):
            spilled.file.seek(0)
            left = spilled.size
            while left:
                body = _body(spilled)
                left -= _FRAME.size + len(body)
                if _PART.unpack_from(body)[0] not in spilled.dropped:
                    yield body[_PART.size :]

    def close(self) -> None:
        """Remove everything."""
        for transaction in list(self._open):
            self.drop(transaction)

    @contextlib.contextmanager
    def _failures(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._failure(what, error) from error

    def _failure(self, what: str, error: OSError) -> SourceError:
        return SourceError(f"the folder {self._folder} {what}: {error.strerror}", temporary=True)


def _body(spilled: _Spilled) -> bytes:
    """The next frame's content, as it was written. Its length is not trusted beyond the file."""
    head = spilled.file.read(_FRAME.size)
    if len(head) == _FRAME.size:
        length, checksum = _FRAME.unpack(head)
        if _PART.size <= length <= spilled.size:
            body = spilled.file.read(length)
            if len(body) == length and zlib.crc32(body) == checksum:
                return body
    raise SourceError(f"{spilled.path} is damaged; it will be made again", temporary=True)
