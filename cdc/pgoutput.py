"""The messages of PostgreSQL's logical decoding plugin `pgoutput`, protocol versions 1 and 2.

Source: PostgreSQL's documentation, "Logical Replication Message Formats". Pure: bytes in, events
out. In version 2 the messages of a transaction that is still in progress come between a stream
start and a stream stop, and carry the (sub)transaction they belong to: `Streamed` says so, and the
caller keeps them until the transaction commits, then has each decoded by `replay`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from cdc.change import ABSENT, Begin, Change, Commit, Op, Relation, Row, Value

_EPOCH_MS: Final = 946_684_800_000
"""2000-01-01, where PostgreSQL's time begins, in milliseconds since 1970."""
_U16, _U32 = struct.Struct(">H"), struct.Struct(">I")
_BEGIN, _COMMIT = struct.Struct(">QqI"), struct.Struct(">BQQq")
_NULL, _UNCHANGED, _TEXT, _KEY, _OLD, _NEW = b"nutKON"

Convert: TypeAlias = Callable[[bytes], Value]


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


@dataclass(frozen=True, slots=True)
class RelationMessage:
    """A table as it is from here on."""

    id: int
    schema: str
    name: str
    identity: str
    """`d` default, `n` nothing, `f` full, `i` index."""
    columns: tuple[RelationColumn, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the decoder has to know of a table."""

    relation: Relation
    converters: tuple[Convert, ...]
    """For each column: from the text that PostgreSQL sends to the value."""


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


@dataclass(frozen=True, slots=True)
class Streamed:
    """A message of a transaction in progress, to be kept."""

    subxid: int
    message: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """Who wrote the transaction that has just begun."""

    name: str


Message: TypeAlias = (
    Begin | Commit | Change | Origin | StreamStart | StreamStop | StreamCommit | StreamAbort
    | Streamed | list[Change] | None
)  # fmt: skip


class Decoder:
    """Decodes the messages of one connection; knows the tables that were announced on it."""

    def __init__(self, describe: Callable[[RelationMessage], Shape]) -> None:
        self._describe = describe
        self._shapes: dict[int, Shape] = {}
        self._streaming = False

    def decode(self, message: bytes) -> Message:
        """One message. None for what is of no interest (types, logical messages).

        Raises `ProtocolError`.
        """
        try:
            kind = message[0]
            if self._streaming and kind in _KEPT:
                return Streamed(_U32.unpack_from(message, 1)[0], message)
            handler = _ROWS.get(kind)
            if handler is not None:
                return handler(self, message, 1)
            return _CONTROL[kind](self, message)
        except ProtocolError:
            raise
        except (KeyError, IndexError, struct.error, ValueError, AttributeError) as error:
            raise _broken(message, error) from error

    def replay(self, message: bytes) -> Message:
        """A message that was kept while its transaction was streamed."""
        try:
            return _ROWS[message[0]](self, message, 5)
        except ProtocolError:
            raise
        except (KeyError, IndexError, struct.error, ValueError, AttributeError) as error:
            raise _broken(message, error) from error

    def _insert(self, message: bytes, at: int) -> Change:
        shape = self._shapes[_U32.unpack_from(message, at)[0]]
        after, _ = _row(message, at + 5, shape.converters)
        return Change(shape.relation, Op.CREATE, None, after)

    def _update(self, message: bytes, at: int) -> Change:
        shape = self._shapes[_U32.unpack_from(message, at)[0]]
        at, before = at + 4, None
        if message[at] != _NEW:
            before, at = _old(message, at, shape)
        if message[at] != _NEW:
            raise ProtocolError("an update without a new row")
        after, _ = _row(message, at + 1, shape.converters)
        return Change(shape.relation, Op.UPDATE, before, after)

    def _delete(self, message: bytes, at: int) -> Change:
        shape = self._shapes[_U32.unpack_from(message, at)[0]]
        before, _ = _old(message, at + 4, shape)
        return Change(shape.relation, Op.DELETE, before, None)

    def _truncate(self, message: bytes, at: int) -> list[Change]:
        count = _U32.unpack_from(message, at)[0]
        ids = struct.unpack_from(f">{count}I", message, at + 5)
        return [Change(self._shapes[each].relation, Op.TRUNCATE, None, None) for each in ids]

    def _relation(self, message: bytes, at: int) -> None:
        relation = _relation(message, at)
        self._shapes[relation.id] = self._describe(relation)

    def _ignore(self, _message: bytes, _at: int = 0) -> None:
        """Types come with relations by their identifiers; logical messages are not ours."""

    def _begin(self, message: bytes) -> Begin:
        position, at, xid = _BEGIN.unpack_from(message, 1)
        return Begin(position, str(xid), at // 1000 + _EPOCH_MS)

    def _commit(self, message: bytes) -> Commit:
        _, _, end, _ = _COMMIT.unpack_from(message, 1)
        return Commit(end)

    def _origin(self, message: bytes) -> Origin:
        return Origin(_text(message, 9)[0])

    def _start(self, message: bytes) -> StreamStart:
        self._streaming = True
        return StreamStart(_U32.unpack_from(message, 1)[0])

    def _stop(self, _message: bytes) -> StreamStop:
        self._streaming = False
        return StreamStop()

    def _stream_commit(self, message: bytes) -> StreamCommit:
        xid = _U32.unpack_from(message, 1)[0]
        _, position, end, at = _COMMIT.unpack_from(message, 5)
        return StreamCommit(xid, Begin(position, str(xid), at // 1000 + _EPOCH_MS), Commit(end))

    def _stream_abort(self, message: bytes) -> StreamAbort:
        return StreamAbort(*struct.unpack_from(">II", message, 1))


_ROWS: Final[dict[int, Callable[[Decoder, bytes, int], Message]]] = {
    ord("I"): Decoder._insert,  # noqa: SLF001 - its own table of methods
    ord("U"): Decoder._update,  # noqa: SLF001
    ord("D"): Decoder._delete,  # noqa: SLF001
    ord("T"): Decoder._truncate,  # noqa: SLF001
    ord("R"): Decoder._relation,  # noqa: SLF001
    ord("Y"): Decoder._ignore,  # noqa: SLF001
    ord("M"): Decoder._ignore,  # noqa: SLF001
}
_KEPT: Final = frozenset(_ROWS)
_CONTROL: Final[dict[int, Callable[[Decoder, bytes], Message]]] = {
    ord("B"): Decoder._begin,  # noqa: SLF001
    ord("C"): Decoder._commit,  # noqa: SLF001
    ord("O"): Decoder._origin,  # noqa: SLF001
    ord("S"): Decoder._start,  # noqa: SLF001
    ord("E"): Decoder._stop,  # noqa: SLF001
    ord("c"): Decoder._stream_commit,  # noqa: SLF001
    ord("A"): Decoder._stream_abort,  # noqa: SLF001
}


def _row(message: bytes, at: int, converters: Sequence[Convert]) -> tuple[Row, int]:
    """The values of a tuple, and where it ends.

    The hottest loop of the relay: no calls but the converter's, no slices but the value's.
    """
    count = _U16.unpack_from(message, at)[0]
    if count != len(converters):
        raise ProtocolError(f"a row of {count} columns in a table of {len(converters)}")
    at += 2
    values: list[Value] = []
    append, length = values.append, _U32.unpack_from
    for convert in converters:
        kind = message[at]
        if kind == _TEXT:
            end = at + 5 + length(message, at + 1)[0]
            append(convert(message[at + 5 : end]))
            at = end
        elif kind == _NULL:
            append(None)
            at += 1
        elif kind == _UNCHANGED:
            append(ABSENT)
            at += 1
        else:
            raise ProtocolError(f"a value of the unknown form {chr(kind)!r}")
    if at > len(message):
        raise ProtocolError("a row that ends before its last value")
    return tuple(values), at


def _old(message: bytes, at: int, shape: Shape) -> tuple[Row, int]:
    """The old row, with ABSENT for what a key alone does not tell."""
    form = message[at]
    row, at = _row(message, at + 1, shape.converters)
    if form == _OLD:
        return row, at
    if form != _KEY:
        raise ProtocolError(f"an old row of the unknown form {chr(form)!r}")
    key = set(shape.relation.key)
    return tuple(value if index in key else ABSENT for index, value in enumerate(row)), at


def _relation(message: bytes, at: int) -> RelationMessage:
    identifier = _U32.unpack_from(message, at)[0]
    schema, at = _text(message, at + 4)
    name, at = _text(message, at)
    identity = chr(message[at])
    count, at = _U16.unpack_from(message, at + 1)[0], at + 3
    columns = []
    for _ in range(count):
        key = bool(message[at] & 1)
        column, at = _text(message, at + 1)
        kind, modifier = struct.unpack_from(">Ii", message, at)
        columns.append(RelationColumn(column, key, kind, modifier))
        at += 8
    # An empty schema stands for pg_catalog.
    return RelationMessage(identifier, schema or "pg_catalog", name, identity, tuple(columns))


def _text(message: bytes, at: int) -> tuple[str, int]:
    end = message.index(b"\0", at)
    return message[at:end].decode(), end + 1


def _broken(message: bytes, error: Exception) -> ProtocolError:
    kind = chr(message[0]) if message else ""
    return ProtocolError(f"a broken message {kind!r} of {len(message)} bytes: {error!r}")
