"""The rows of ROWS events, by the shape of the table that they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cdc.change import Op, Row, Value
from cdc.sources.mysql import kinds, values
from cdc.sources.mysql.charsets import Charsets
from cdc.sources.mysql.fields import TableMap
from cdc.sources.mysql.wire import Type, inflate

_CREATE, _UPDATE, _DELETE = Op.CREATE.value, Op.UPDATE.value, Op.DELETE.value
OPS = {
    Type.WRITE_ROWS_V1: _CREATE, Type.WRITE_ROWS_V2: _CREATE,
    Type.UPDATE_ROWS_V1: _UPDATE, Type.UPDATE_ROWS_V2: _UPDATE,
    Type.DELETE_ROWS_V1: _DELETE, Type.DELETE_ROWS_V2: _DELETE,
    Type.WRITE_ROWS_COMPRESSED_V1: _CREATE, Type.UPDATE_ROWS_COMPRESSED_V1: _UPDATE,
    Type.DELETE_ROWS_COMPRESSED_V1: _DELETE,
}  # fmt: skip
"""What each of the row events does."""
COMPRESSED = {
    Type.WRITE_ROWS_COMPRESSED_V1, Type.UPDATE_ROWS_COMPRESSED_V1, Type.DELETE_ROWS_COMPRESSED_V1,
}  # fmt: skip
SECOND = {Type.WRITE_ROWS_V2, Type.UPDATE_ROWS_V2, Type.DELETE_ROWS_V2}
"""Those with additional data in the header: MySQL's."""
_HEADER = 8
_TABLE_ID = 6


class PartialImageError(Exception):
    """Rows with some of their columns; which would be read as if the others were NULL."""


class LayoutError(Exception):
    """Rows that do not fill their event exactly, so that some column was misread."""


@dataclass(frozen=True, slots=True)
class Described:
    """A column as it goes to the parent process: plain values."""

    name: str
    kind: str
    type: str
    key: bool


class Shape:
    """Reads the rows of a table in one shape."""

    def __init__(self, table: TableMap, charsets: Charsets, key: Sequence[str]) -> None:
        """`key` names the key's columns where it is not the primary key."""
        described = [kinds.describe(field, charsets) for field in table.fields]
        self.columns = tuple(
            Described(field.name, kind.value, of, field.name in key if key else field.key)
            for field, (kind, of) in zip(table.fields, described, strict=True)
        )
        self._readers = tuple(values.reader(field, charsets) for field in table.fields)
        self._bitmap = (len(self._readers) + 7) // 8
        self._full = (1 << len(self._readers)) - 1

    def changes(self, kind: int, data: bytes, at: int) -> Iterator[tuple[Row | None, Row | None]]:
        """Old and new row of each row in an event's body, from the number of columns on.

        Raises `PartialImageError` and `LayoutError`.
        """
        op = OPS[Type(kind)]
        at = self._images(data, at, 2 if op == _UPDATE else 1)
        if kind in COMPRESSED:  # all but the bitmaps is compressed
            data, at = inflate(data[at:]), 0
        end = len(data)
        while at < end:
            row, at = self._row(data, at)
            if op == _UPDATE:
                new, at = self._row(data, at)
                yield row, new
            else:
                yield (None, row) if op == _CREATE else (row, None)
        if at != end:
            raise LayoutError

    def _images(self, data: bytes, at: int, images: int) -> int:
        """Check that the images hold every column; the place after them."""
        # The number of columns is length-encoded; tables have at most 4096.
        at += 3 if data[at] == 252 else 1
        for _ in range(images):
            present = int.from_bytes(data[at : at + self._bitmap], "little")
            if present & self._full != self._full:
                raise PartialImageError
            at += self._bitmap
        return at

    def _row(self, data: bytes, at: int) -> tuple[Row, int]:
        nulls = int.from_bytes(data[at : at + self._bitmap], "little")
        at += self._bitmap
        row: list[Value] = []
        for read in self._readers:
            if nulls & 1:
                row.append(None)
            else:
                value, at = read(data, at)
                row.append(value)
            nulls >>= 1
        return tuple(row), at


def start(kind: int, data: bytes) -> int:
    """Where a ROWS event's number of columns stands, after the header."""
    return _HEADER + int.from_bytes(data[8:10], "little") if kind in SECOND else _HEADER


def table_id(data: bytes) -> int:
    """The number by which a ROWS or TABLE_MAP event names its table."""
    return int.from_bytes(data[:_TABLE_ID], "little")
