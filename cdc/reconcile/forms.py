"""Which text each pair of columns is compared as: equal values have equal texts on both sides.

A value is not written alike everywhere: `1.50` is `1.5` where the scale is another, MariaDB has 1
for true, PostgreSQL's char(5) has blanks that MariaDB's has not. The *form* of a pair says what is
written, and each dialect, and `canonical`, how. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final

from cdc.change import Column, Kind


class Form(StrEnum):
    """A canonical text. NULL has none; it differs from every text, the empty one included."""

    INTEGER = "integer"
    """Digits; a boolean is 1 or 0."""
    DECIMAL = "decimal"
    """Digits without zeros at the end of the fraction; `NaN`, `Infinity`."""
    FLOAT = "float"
    """The shortest text that reads back the same, as PostgreSQL writes it; -0 is 0."""
    NUMBER = "number"
    """All digits as an integer, and the power of ten: `15e-1` for 1.5, `0` for nothing."""
    SINGLE = "single"
    """`NUMBER` of the value after it was rounded to four bytes."""
    TEXT = "text"
    """The characters as they are: no collation, no Unicode normalisation."""
    PADDED = "padded"
    """Without blanks at the end, as one side cannot tell how many there are."""
    DIGEST = "digest"
    """MD5 of the text in UTF-8, for databases that limit how long a concatenation gets."""
    BYTES = "bytes"
    """MD5 of the bytes."""
    HEX = "hex"
    """The bytes in hexadecimal, for keys."""
    MOMENT = "moment"
    """A date, time or both, without zeros at the end of the fraction; in UTC, without offset."""
    UUID = "uuid"
    """32 small hexadecimal digits."""
    JSONB = "jsonb"
    """Keys in one order and numbers in one form; in Python only."""


PREFIXED: Final = frozenset({Form.TEXT, Form.PADDED, Form.JSONB})
"""Forms whose texts may hold any character, so their length stands before them in a line."""
_WHOLE: Final = frozenset({Kind.BOOLEAN, Kind.INTEGER})
_EXACT: Final = _WHOLE | {Kind.DECIMAL}
_NUMBERS: Final = _EXACT | {Kind.FLOAT}
_MOMENTS: Final = frozenset({Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ})

POSTGRES: Final = "postgresql"
MYSQL: Final = "mysql"
SQLITE: Final = "sqlite"
_FOUR_BYTES: Final = {POSTGRES: "real", MYSQL: "float"}
"""What they call a float of four bytes; SQLite has none, whatever a column says."""


def form_of(
    source: Column, target: Column, databases: Sequence[str], *, key: bool = False
) -> Form | None:
    """The form of a pair of columns; None for what must be compared in Python.

    `databases` are the source's and the target's; `key` asks for a text that the value can be read
    from.
    """
    kinds = {source.kind, target.kind}
    if Kind.JSON in kinds:
        return _json(source, target, databases)
    if kinds <= _NUMBERS:
        return _number(kinds, (source, target), databases)
    if Kind.UUID in kinds:
        return Form.UUID
    if kinds <= _MOMENTS:
        return Form.MOMENT
    if kinds == {Kind.BINARY}:
        return Form.HEX if key else Form.BYTES
    return _text((source, target), databases, key=key)


def _json(source: Column, target: Column, databases: Collection[str]) -> Form | None:
    """In SQL only where both texts come from the same type: a cast of other texts could fail."""
    same = source.kind is target.kind and source.type == target.type
    return Form.TEXT if same and set(databases) == {POSTGRES} else None


def _number(kinds: Collection[Kind], columns: tuple[Column, ...], databases: Sequence[str]) -> Form:
    if Kind.FLOAT not in kinds:
        return Form.INTEGER if set(kinds) <= _WHOLE else Form.DECIMAL
    if set(kinds) == {Kind.FLOAT} and set(databases) == {POSTGRES}:
        return Form.FLOAT
    four_bytes = any(
        _base(column) == _FOUR_BYTES.get(database)
        for column, database in zip(columns, databases, strict=True)
    )
    # MySQL cannot write the shortest text of four bytes, so both sides are rounded to them.
    return Form.SINGLE if MYSQL in databases and four_bytes else Form.NUMBER


def _text(columns: tuple[Column, ...], databases: Collection[str], *, key: bool) -> Form:
    if any(_base(column) in {"character", "char"} for column in columns):
        return Form.PADDED
    return Form.DIGEST if MYSQL in databases and not key else Form.TEXT


def _base(column: Column) -> str:
    return column.type.lower().partition("(")[0].partition(" unsigned")[0].strip()
