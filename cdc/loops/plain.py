"""The loops in Python: what `compiled` must do too."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import orjson

from cdc.change import ABSENT, Row, Value

_U16, _FORM_AND_LENGTH = struct.Struct(">H"), struct.Struct(">BI")
_NULL, _UNCHANGED, _TEXT = b"nut"
_PADDING: Final = bytes(4)
"""Behind a last value that has no length."""

Convert: TypeAlias = Callable[[bytes], Value]
"""From the text that PostgreSQL sends to the value; raises `ValueError` or `KeyError`."""
TEXT: Final[Convert] = bytes.decode
"""The converter of text. The method itself, as a function around it costs more than the work."""


def row(message: bytes, at: int, converters: tuple[Convert, ...]) -> tuple[Row, int]:
    """The values of a pgoutput tuple that begins at `at`, and where it ends.

    Source: PostgreSQL's documentation, "Logical Replication Message Formats", TupleData. Raises
    what converting raises, and `ValueError`, `IndexError` or `struct.error` for broken bytes.

    One call for a value's form and length and one for its conversion, no slices but the value's:
    the form and what may be no length are read together, as nearly every value has one.
    """
    count = _U16.unpack_from(message, at)[0]
    if count != len(converters):
        raise ValueError(f"a row of {count} columns in a table of {len(converters)}")
    first = at = at + 2
    values: list[Value] = []
    append, unpack, size = values.append, _FORM_AND_LENGTH.unpack_from, len(message)
    message += _PADDING
    try:
        for convert in converters:
            form, length = unpack(message, at)
            if form == _TEXT:
                end = at + 5 + length
                append(convert(message[at + 5 : end]))
                at = end
            elif form == _NULL:
                append(None)
                at += 1
            elif form == _UNCHANGED:
                append(ABSENT)
                at += 1
            else:
                raise ValueError(f"a value of the unknown form {chr(form)!r}")
    except UnicodeDecodeError:
        if TEXT not in converters:
            raise
        lenient = tuple(text if convert is TEXT else convert for convert in converters)
        return row(message[:size], first - 2, lenient)
    if at > size:
        raise ValueError("a row that ends before its last value")
    return tuple(values), at


def text(raw: bytes) -> str:
    """Text; bytes that are no UTF-8 (a database in SQL_ASCII) stay visible as such."""
    return raw.decode("utf-8", "surrogateescape")


class Encoder:
    """Writes rows of one relation as JSON objects; called with one value for each name."""

    __slots__ = ("_names",)

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)

    def __call__(self, row: Row) -> bytes:
        """Compact JSON, in the order of the names.

        Raises `TypeError` for a value that JSON does not know: ABSENT, text that is no text, an
        integer beyond 64 bits.
        """
        return orjson.dumps(dict(zip(self._names, row, strict=True)))
