"""What SQLite's values become in envelopes, and the way back for keys.

SQLite types values, not columns: an INTEGER column may hold 1.5 or 'abc'. So the column's declared
type says which kind it is, and the value's own storage class decides where it does not fit: a
number stays a number and text stays text. Three cases have no form of their own in JSON: bytes in
a column that is not declared as binary, text in one that is, and an infinity where no number is
expected. They become text that cannot be written, so that the record is a dead letter and says so,
instead of a copy that differs quietly.
"""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Final, TypeAlias

from cdc.change import Kind, Value

Raw: TypeAlias = int | float | str | bytes | None
"""A value as sqlite3 gives and takes it."""

_KINDS: Final = (
    ("BOOL", Kind.BOOLEAN),
    ("UUID", Kind.UUID),
    ("JSON", Kind.JSON),
    ("INTERVAL", Kind.OTHER),
    ("POINT", Kind.OTHER),
    ("BLOB", Kind.BINARY),
    ("BINARY", Kind.BINARY),
    ("BYTEA", Kind.BINARY),
    ("INT", Kind.INTEGER),
    ("CHAR", Kind.TEXT),
    ("CLOB", Kind.TEXT),
    ("TEXT", Kind.TEXT),
    ("REAL", Kind.FLOAT),
    ("FLOA", Kind.FLOAT),
    ("DOUB", Kind.FLOAT),
    ("DEC", Kind.DECIMAL),
    ("NUM", Kind.DECIMAL),
    ("DATETIME", Kind.TIMESTAMP),
    ("TIMESTAMP", Kind.TIMESTAMP),
    ("DATE", Kind.DATE),
    ("TIME", Kind.TIME),
)
"""Parts of declared types in order of precedence; close to SQLite's own rules of affinity."""


def kind_of(declared: str) -> Kind:
    """What a column of this declared type holds; OTHER for a column without a type."""
    name = declared.upper()
    return next((kind for part, kind in _KINDS if part in name), Kind.OTHER)


def text(raw: bytes) -> str:
    """Stored text; bytes that are no UTF-8 become half characters, which no JSON can hold."""
    return raw.decode("utf-8", "surrogateescape")


def reader(kind: Kind) -> Callable[[Raw], Value]:
    """The function that turns stored values of a column of this kind into the envelope's."""
    return _READERS.get(kind, _plain)


def to_raw(kind: Kind, value: Value) -> Raw:
    """A key's value as SQLite compares it: the inverse of what `reader` returns."""
    if kind is Kind.BINARY and isinstance(value, str):
        return b64decode(value)
    if value in ("Infinity", "-Infinity") and kind is Kind.FLOAT:
        return float(str(value))
    assert value is None or isinstance(value, int | float | str)
    return value


def _plain(raw: Raw) -> Value:
    if isinstance(raw, bytes):
        return _unwritable(raw)
    if isinstance(raw, float) and math.isinf(raw):
        return _unwritable(repr(raw).encode())
    return raw


def _float(raw: Raw) -> Value:
    if isinstance(raw, float) and math.isinf(raw):
        return "Infinity" if raw > 0 else "-Infinity"
    return _plain(raw)


def _boolean(raw: Raw) -> Value:
    return bool(raw) if isinstance(raw, int) and raw in (0, 1) else _plain(raw)


def _binary(raw: Raw) -> Value:
    if isinstance(raw, bytes):
        return b64encode(raw).decode()
    return _unwritable(raw.encode("utf-8", "surrogateescape")) if isinstance(raw, str) else raw


def _decimal(raw: Raw) -> Value:
    if isinstance(raw, float):
        return repr(raw) if math.isfinite(raw) else _float(raw)
    return str(raw) if isinstance(raw, int) else _plain(raw)


def _unwritable(raw: bytes) -> str:
    """A half character before the bytes: JSON cannot hold it, and no valid text contains it."""
    return "\udcff" + raw.hex()


_READERS: Final[dict[Kind, Callable[[Raw], Value]]] = {
    Kind.BOOLEAN: _boolean,
    Kind.BINARY: _binary,
    Kind.DECIMAL: _decimal,
    Kind.FLOAT: _float,
}
