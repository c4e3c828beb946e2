"""The values of a row: the hottest loop of the relay."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from cdc.change import ABSENT, Relation, Row, Value
from cdc.pgoutput.messages import ProtocolError

_U16, _FORM_AND_LENGTH = struct.Struct(">H"), struct.Struct(">BI")
_NULL, _UNCHANGED, _TEXT, _KEY, _OLD = b"nutKO"
_PADDING: Final = bytes(4)
"""Behind a last value that has no length."""

Convert: TypeAlias = Callable[[bytes], Value]
"""From the text that PostgreSQL sends to the value; raises `ValueError` or `KeyError`."""
TEXT: Final[Convert] = bytes.decode
"""The converter of text. The method itself, as a function around it costs more than the work."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the decoder has to know of a table."""

    relation: Relation
    converters: tuple[Convert, ...]
    """One for each column."""
    identity: frozenset[int]
    """Indexes of the columns that an old key carries."""


def row(message: bytes, at: int, converters: Sequence[Convert]) -> tuple[Row, int]:
    """The values of a tuple that begins at `at`, and where it ends.

    One call for a value's form and length and one for its conversion, no slices but the value's:
    the form and what may be no length are read together, as nearly every value has one. Raises
    `ProtocolError`, and what reading beyond the end or converting raises.
    """
    count = _U16.unpack_from(message, at)[0]
    if count != len(converters):
        raise ProtocolError(f"a row of {count} columns in a table of {len(converters)}")
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
                raise ProtocolError(f"a value of the unknown form {chr(form)!r}")
    except UnicodeDecodeError:
        if TEXT not in converters:
            raise
        return row(message[:size], first - 2, [text if c is TEXT else c for c in converters])
    if at > size:
        raise ProtocolError("a row that ends before its last value")
    return tuple(values), at


def old_row(message: bytes, at: int, shape: Shape) -> tuple[Row, int]:
    """The old row, with ABSENT for what a key alone does not tell."""
    form = message[at]
    values, at = row(message, at + 1, shape.converters)
    if form == _OLD:
        return values, at
    if form != _KEY:
        raise ProtocolError(f"an old row of the unknown form {chr(form)!r}")
    # What is not part of the identity is sent as NULL, and means nothing.
    known = shape.identity
    return tuple(value if index in known else ABSENT for index, value in enumerate(values)), at


def text(raw: bytes) -> str:
    """Text; bytes that are no UTF-8 (a database in SQL_ASCII) stay visible as such."""
    return raw.decode("utf-8", "surrogateescape")
