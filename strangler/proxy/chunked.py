"""Chunked bodies, taken apart strictly (RFC 9112, 7.1).

llhttp reads chunks too, but does not say where a body ends in the bytes it was given, and that is
what pipelining needs. Lenient readers of chunks are how requests are smuggled, so nothing is
forgiven here: no bare LF, no white space around a size, no size beyond 60 bits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_TOKEN: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED: Final = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_SIZE_LINE: Final = re.compile(
    rb"0*([0-9A-Fa-f]{1,15})(?:;%b(?:=(?:%b|%b))?)*" % (_TOKEN, _TOKEN, _QUOTED)
)
_FIELD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*")
_MAX_LINE: Final = 4096
_MAX_TRAILERS: Final = 64

_State = Callable[[bytes, int], int]
"""Reads on in the bytes from a position; returns the position it came to."""


class ChunkError(ValueError):
    """The body is not validly chunked."""


class ChunkDecoder:
    """One chunked body. Feed it until `done`; then `rest` is what came behind the body."""

    __slots__ = ("_left", "_line", "_pieces", "_state", "done", "rest", "trailers")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""
        self.trailers: list[bytes] = []
        """Trailer lines as they came, without CRLF."""
        self._line = b""
        self._left = 0
        self._pieces: list[bytes] = []
        self._state: _State = self._size

    def feed(self, data: bytes) -> bytes:
        """What `data` has of the body, framing taken off. Raises ChunkError.

        One piece however many chunks there were, and `data` is never copied as a whole: a
        body of tiny chunks must not cost more than its bytes.
        """
        at = 0
        size = len(data)
        while at < size and not self.done:
            at = self._state(data, at)
        self.rest = data[at:]
        body = b"".join(self._pieces)
        self._pieces = []
        return body

    def _next_line(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """A whole line without CRLF, or None when it is not all here; and where it ends."""
        end = data.find(b"\n", at, at + _MAX_LINE)
        if end < 0:
            self._line += data[at : at + _MAX_LINE]
            if len(self._line) >= _MAX_LINE:
                raise ChunkError("line too long")
            return None, len(data)
        line = self._line + data[at:end]
        self._line = b""
        if not line.endswith(b"\r") or len(line) > _MAX_LINE:
            raise ChunkError("line does not end in CRLF")
        return line[:-1], end + 1

    def _size(self, data: bytes, at: int) -> int:
        line, at = self._next_line(data, at)
        if line is None:
            return at
        found = _SIZE_LINE.fullmatch(line)
        if found is None:
            raise ChunkError("bad chunk size")
        self._left = int(found[1], 16)
        self._state = self._data if self._left else self._trailer
        return at

    def _data(self, data: bytes, at: int) -> int:
        piece = data[at : at + self._left]
        self._pieces.append(piece)
        self._left -= len(piece)
        if not self._left:
            self._state = self._data_end
        return at + len(piece)

    def _data_end(self, data: bytes, at: int) -> int:
        line, at = self._next_line(data, at)
        if line:
            raise ChunkError("chunk longer than its size")
        if line is not None:
            self._state = self._size
        elif len(self._line) > 1 or self._line not in b"\r":
            raise ChunkError("chunk longer than its size")
        return at

    def _trailer(self, data: bytes, at: int) -> int:
        line, at = self._next_line(data, at)
        if line:
            if not _FIELD.fullmatch(line) or len(self.trailers) >= _MAX_TRAILERS:
                raise ChunkError("bad trailer")
            self.trailers.append(line)
        elif line is not None:
            self.done = True
        return at
