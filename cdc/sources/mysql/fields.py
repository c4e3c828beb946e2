"""Columns as the binlog describes them: what a TABLE_MAP event says of a table.

With `binlog_row_metadata=FULL` the event is complete: names, signs, character sets, the names of
ENUM and SET, the primary key. So a change is read with the shape that its table had when it was
written, and nothing is asked of a schema that may have changed since.

mysql-replication's reader of this event is not used: it stops four bytes early where the server
writes no checksums (a primary key at the end is lost), forgets a primary key with prefixes, and
replaces names that are no UTF-8 by "".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from pymysqlreplication.constants import FIELD_TYPE as F

_T = TypeVar("_T")
BINARY = 63
"""The id of the character set `binary`."""


class MetadataError(Exception):
    """The event does not say enough; the message says what is missing."""


class _Tag(IntEnum):
    """Parts of the optional metadata."""

    SIGNEDNESS = 1
    DEFAULT_CHARSET = 2
    COLUMN_CHARSET = 3
    COLUMN_NAME = 4
    SET_NAMES = 5
    ENUM_NAMES = 6
    GEOMETRY = 7
    PRIMARY_KEY = 8
    PRIMARY_KEY_PREFIX = 9
    LABEL_DEFAULT_CHARSET = 10
    LABEL_COLUMN_CHARSET = 11


BLOB_COMPRESSED, VARCHAR_COMPRESSED = 140, 141
_META_SIZES = {
    F.FLOAT: 1, F.DOUBLE: 1, F.VARCHAR: 2, F.BIT: 2, F.NEWDECIMAL: 2, F.BLOB: 1, F.GEOMETRY: 1,
    F.JSON: 1, F.STRING: 2, F.VAR_STRING: 2, F.ENUM: 2, F.SET: 2, F.TIMESTAMP2: 1,
    F.DATETIME2: 1, F.TIME2: 1, F.TINY_BLOB: 1, F.MEDIUM_BLOB: 1, F.LONG_BLOB: 1,
    BLOB_COMPRESSED: 1, VARCHAR_COMPRESSED: 2, 242: 1,
}  # fmt: skip
"""Bytes of metadata of each type that has any; 242 is MySQL's VECTOR."""
_NUMERIC = {F.TINY, F.SHORT, F.INT24, F.LONG, F.LONGLONG, F.NEWDECIMAL, F.FLOAT, F.DOUBLE, F.YEAR}
_CHARACTER = {F.STRING, F.VAR_STRING, F.VARCHAR, F.BLOB, BLOB_COMPRESSED, VARCHAR_COMPRESSED}


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a table in the log."""

    name: str
    type: int
    """One of mysql-replication's FIELD_TYPE, ENUM and SET told from STRING."""
    meta: int
    """By type: bytes at most (strings), bytes of the length (BLOB), digits of the fraction
    (temporal types), precision << 8 | scale (DECIMAL), bits (BIT), bytes (ENUM, SET)."""
    unsigned: bool = False
    charset: int = BINARY
    """Id of the collation, of columns with text."""
    labels: tuple[bytes, ...] = ()
    """Names of ENUM and SET, in the column's character set."""
    key: bool = False
    """Whether it is part of the primary key."""
    native: str = ""
    """`uuid`, `inet6` or `inet4` of MariaDB, which the log does not tell from BINARY."""

    @property
    def may_be_native(self) -> bool:
        """Whether it looks in the log as MariaDB's types of its own do."""
        return self.type == F.STRING and self.charset == BINARY and self.meta in {4, 16}


@dataclass(frozen=True, slots=True)
class TableMap:
    """A table in the shape that it had when the rows after it were written."""

    schema: str
    name: str
    fields: tuple[Field, ...]


class _Reader:
    """Reads numbers and strings one after the other."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def take(self, size: int) -> bytes:
        """The next bytes."""
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self) -> int:
        """A length-encoded integer."""
        first = self.take(1)[0]
        size = {252: 2, 253: 3, 254: 8}.get(first)
        return first if size is None else int.from_bytes(self.take(size), "little")

    def numbers(self) -> list[int]:
        """Integers up to the end."""
        return list(iter(self._next_number, None))

    def _next_number(self) -> int | None:
        return self.number() if self.at < len(self.data) else None

    def strings(self) -> Iterator[bytes]:
        """Strings up to the end."""
        while self.at < len(self.data):
            yield self.take(self.number())

    def lists(self) -> Iterator[tuple[bytes, ...]]:
        """Lists of strings up to the end."""
        while self.at < len(self.data):
            yield tuple(self.take(self.number()) for _ in range(self.number()))


def names(data: bytes) -> tuple[str, str]:
    """Schema and table of a TABLE_MAP event's body: enough to pass over the others."""
    end = 9 + data[8]
    return data[9:end].decode(), data[end + 2 : end + 2 + data[end + 1]].decode()


def table_map(data: bytes, *, mariadb: bool) -> TableMap:
    """The table of a TABLE_MAP event's body. Raises `MetadataError`."""
    schema, name = names(data)
    reader = _Reader(data, 8 + 1 + data[8] + 1)
    reader.take(1 + reader.take(1)[0])
    types = list(reader.take(reader.number()))
    metas = _Reader(reader.take(reader.number()))
    described = [_described(kind, metas.take(_META_SIZES.get(kind, 0))) for kind in types]
    reader.take((len(types) + 7) // 8)  # which columns may be NULL
    tags = dict(_tags(reader))
    if _Tag.COLUMN_NAME not in tags:
        raise MetadataError(
            f"the log does not name the columns of {schema}.{name}: these rows were written with"
            " binlog_row_metadata other than FULL. Run SET GLOBAL binlog_row_metadata=FULL and"
            " take a new snapshot"
        )
    return TableMap(schema, name, tuple(_fields(described, tags, mariadb=mariadb)))


def _tags(reader: _Reader) -> Iterator[tuple[int, bytes]]:
    while reader.at < len(reader.data):
        tag = reader.take(1)[0]
        yield tag, reader.take(reader.number())


def _described(kind: int, meta: bytes) -> tuple[int, int]:
    """Type and metadata of a column as `Field` has them."""
    if kind in {F.STRING, F.ENUM, F.SET}:
        if meta[0] in {F.ENUM, F.SET}:
            return meta[0], meta[1]
        # The upper two bits of the length are kept, inverted, in two bits of the type.
        return F.STRING, meta[1] | ((meta[0] & 0x30) ^ 0x30) << 4
    if kind == F.NEWDECIMAL:
        return kind, meta[0] << 8 | meta[1]
    if kind == F.BIT:
        return kind, meta[1] * 8 + meta[0]
    return kind, int.from_bytes(meta, "little")


def _fields(
    described: Sequence[tuple[int, int]], tags: dict[int, bytes], *, mariadb: bool
) -> Iterator[Field]:
    """The columns, each with what the tags say of it.

    A tag's entries are for the columns of certain types only, in their order.
    """
    types = [kind for kind, _ in described]
    # MariaDB gives geometries a character set as well.
    character = _CHARACTER | ({F.GEOMETRY} if mariadb else set())
    unsigned = _spread(types, _NUMERIC, _bits(tags.get(_Tag.SIGNEDNESS, b"")))
    charsets = _charsets(
        types, character, tags.get(_Tag.DEFAULT_CHARSET), tags.get(_Tag.COLUMN_CHARSET)
    )
    charsets |= _charsets(
        types, {F.ENUM, F.SET},
        tags.get(_Tag.LABEL_DEFAULT_CHARSET), tags.get(_Tag.LABEL_COLUMN_CHARSET),
    )  # fmt: skip
    labels = _spread(types, {F.ENUM}, list(_Reader(tags.get(_Tag.ENUM_NAMES, b"")).lists()))
    labels |= _spread(types, {F.SET}, list(_Reader(tags.get(_Tag.SET_NAMES, b"")).lists()))
    key = set(_Reader(tags.get(_Tag.PRIMARY_KEY, b"")).numbers())
    key |= set(_Reader(tags.get(_Tag.PRIMARY_KEY_PREFIX, b"")).numbers()[::2])
    for index, name in enumerate(_Reader(tags[_Tag.COLUMN_NAME]).strings()):
        kind, meta = described[index]
        yield Field(
            name.decode(), kind, meta, unsigned.get(index, False), charsets.get(index, BINARY),
            labels.get(index, ()), index in key,
        )  # fmt: skip


def _spread(types: Sequence[int], of: set[int], values: Sequence[_T]) -> dict[int, _T]:
    """By column: values that stand for the columns of some types, in their order."""
    chosen = [index for index, kind in enumerate(types) if kind in of]
    return dict(zip(chosen, values, strict=False))


def _bits(data: bytes) -> list[bool]:
    """Bits, the highest of each byte first."""
    return [bool(byte & 0x80 >> bit) for byte in data for bit in range(8)]


def _charsets(
    types: Sequence[int], of: set[int], default: bytes | None, each: bytes | None
) -> dict[int, int]:
    """By column: the collation's id, in whichever of the two forms the server chose."""
    if each is not None:
        return _spread(types, of, _Reader(each).numbers())
    if default is None:
        return {}
    usual, *others = _Reader(default).numbers()
    other = dict(zip(others[::2], others[1::2], strict=True))
    count = sum(kind in of for kind in types)
    return _spread(types, of, [other.get(index, usual) for index in range(count)])
