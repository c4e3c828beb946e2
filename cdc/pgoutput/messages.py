"""What a message of pgoutput says, where it is not an event already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from cdc.change import Begin, Change, Commit


class ProtocolError(Exception):
    """Bytes that are no message of pgoutput, or one that must not come here."""


@dataclass(frozen=True, slots=True)
class RelationColumn:
    """A column of a relation message."""

    name: str
    key: bool
    """Part of the replica identity."""
    type: int
    """Object identifier of its type."""
    modifier: int
    named: str | None = None
    """Name of the type, if a type message told it: of all types that are not built in."""


@dataclass(frozen=True, slots=True)
class RelationMessage:
    """A table as it is from here on. Equal messages describe the same shape."""

    id: int
    schema: str
    name: str
    identity: str
    """`d` default, `n` nothing, `f` full, `i` index."""
    columns: tuple[RelationColumn, ...]


@dataclass(frozen=True, slots=True)
class StreamStart:
    """Messages of a transaction in progress follow."""

    xid: int


@dataclass(frozen=True, slots=True)
class StreamStop:
    """Other messages follow."""


@dataclass(frozen=True, slots=True)
class StreamCommit:
    """A streamed transaction has committed."""

    xid: int
    begin: Begin
    commit: Commit


@dataclass(frozen=True, slots=True)
class StreamAbort:
    """A streamed transaction, or one of its subtransactions, was rolled back."""

    xid: int
    subxid: int
    """Equal to `xid` where the whole transaction was."""


@dataclass(slots=True)
class Streamed:
    """A message of a transaction in progress, to be kept for `Decoder.replay`.

    Not frozen: there is one for each row, and a frozen one takes three times as long to make.
    """

    subxid: int | None
    """The (sub)transaction whose rollback undoes it; None for the description of a table, which is
    sent once for the whole transaction and stays true whatever is rolled back."""
    message: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """Who wrote the transaction that has just begun."""

    name: str


Message: TypeAlias = (
    Begin | Commit | Change | Origin | StreamStart | StreamStop | StreamCommit | StreamAbort
    | Streamed | list[Change] | None
)  # fmt: skip
