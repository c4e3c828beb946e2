"""The rows of a message, beyond their values: which table's they are, and old ones."""

from __future__ import annotations

from dataclasses import dataclass

from cdc.change import ABSENT, Relation, Row
from cdc.loops import Convert, row
from cdc.pgoutput.messages import ProtocolError

_KEY, _OLD = b"KO"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the decoder has to know of a table."""

    relation: Relation
    converters: tuple[Convert, ...]
    """One for each column."""
    identity: frozenset[int]
    """Indexes of the columns that an old key carries."""


def old_row(message: bytes, at: int, shape: Shape) -> tuple[Row, int]:
    """The old row, with ABSENT for what a key alone does not tell. Raises like `cdc.loops.row`."""
    form = message[at]
    values, at = row(message, at + 1, shape.converters)
    if form == _OLD:
        return values, at
    if form != _KEY:
        raise ProtocolError(f"an old row of the unknown form {chr(form)!r}")
    # What is not part of the identity is sent as NULL, and means nothing.
    known = shape.identity
    return tuple(value if index in known else ABSENT for index, value in enumerate(values)), at
