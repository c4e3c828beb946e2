"""Transactions that are not yet committed wait on disk, so that memory stays flat.

A file holds framed messages: length, CRC-32, bytes. It belongs to one process and means nothing to
the next one: the source sends an uncommitted transaction again from its start, so whatever is found
at start-up is removed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from cdc.relay.ports import SourceError

_FRAME = struct.Struct(">II")
_SUFFIX = ".spill"


@dataclass(slots=True)
class _Spilled:
    path: Path
    file: IO[bytes]
    size: int = 0
    dropped: set[int] = field(default_factory=set)
    """Subtransactions that were rolled back."""


class Spill:
    """The transactions in progress of one source, by their name."""

    def __init__(self, folder: Path, limit: int) -> None:
        """`limit`: bytes of all files together."""
        self._folder, self._limit = folder, limit
        self._open: dict[int, _Spilled] = {}
        self._size = 0

    def clean(self) -> None:
        """Remove what an earlier process left."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in self._folder.glob(f"*{_SUFFIX}"):
            path.unlink(missing_ok=True)

    def append(self, transaction: int, part: int, message: bytes) -> None:
        """Keep a message; `part` is its subtransaction. Raises `SourceError` when disk ends."""
        spilled = self._open.get(transaction)
        try:
            if spilled is None:
                path = self._folder / f"{transaction}{_SUFFIX}"
                spilled = self._open[transaction] = _Spilled(path, path.open("w+b"))
            body = struct.pack(">I", part) + message
            spilled.file.write(_FRAME.pack(len(body), zlib.crc32(body)) + body)
        except OSError as error:
            raise SourceError(
                f"an uncommitted transaction cannot be kept in {self._folder}: {error.strerror}",
                temporary=True,
            ) from error
        spilled.size += len(body)
        self._size += len(body)
        if self._size > self._limit:
            raise SourceError(
                f"uncommitted transactions need more than limits.spill ({self._limit} bytes) in"
                f" {self._folder}: raise it, or end the transaction at the source",
                temporary=False,
            )

    def drop_part(self, transaction: int, part: int) -> None:
        """A subtransaction was rolled back: its messages will be left out."""
        if transaction in self._open:
            self._open[transaction].dropped.add(part)

    def drop(self, transaction: int) -> None:
        """The transaction is over: its file goes."""
        spilled = self._open.pop(transaction, None)
        if spilled is not None:
            self._size -= spilled.size
            spilled.file.close()
            spilled.path.unlink(missing_ok=True)

    def messages(self, transaction: int) -> Iterator[bytes]:
        """What was kept of a transaction, in order. Raises `SourceError` for a damaged file."""
        spilled = self._open.get(transaction)
        if spilled is None:
            return  # nothing of it concerned our tables
        spilled.file.seek(0)
        while head := spilled.file.read(_FRAME.size):
            body = b""
            if len(head) == _FRAME.size:
                length, checksum = _FRAME.unpack(head)
                body = spilled.file.read(length)
            if not body or len(body) != length or zlib.crc32(body) != checksum:
                raise SourceError(f"{spilled.path} is damaged", temporary=True)
            if struct.unpack_from(">I", body)[0] not in spilled.dropped:
                yield body[4:]

    def close(self) -> None:
        """Remove everything."""
        for transaction in list(self._open):
            self.drop(transaction)
