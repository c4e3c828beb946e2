"""The grammar of pgoutput: which message says what.

In version 2 the messages of a transaction that is still in progress come between a stream start and
a stream stop, and carry the (sub)transaction they belong to: `Streamed` says so, and the caller
keeps them until the transaction commits, then has each decoded by `Decoder.replay`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from cdc.change import Begin, Change, Commit, Op
from cdc.loops import row
from cdc.pgoutput.messages import (
    Message,
    Origin,
    ProtocolError,
    RelationColumn,
    RelationMessage,
    StreamAbort,
    StreamCommit,
    Streamed,
    StreamStart,
    StreamStop,
)
from cdc.pgoutput.rows import Shape, old_row

_EPOCH_MS: Final = 946_684_800_000
"""2000-01-01, where PostgreSQL's time begins, in milliseconds since 1970."""
_U16, _U32, _TWO = struct.Struct(">H"), struct.Struct(">I"), struct.Struct(">II")
_BEGIN, _COMMIT = struct.Struct(">QqI"), struct.Struct(">BQQq")
_NEW, _RELATION, _TYPE, _LOGICAL = b"NRYM"
_WRONG = (KeyError, IndexError, struct.error, ValueError)
"""What broken bytes lead to: an unknown table, a text cut off, a number that is none."""


class Decoder:
    """Decodes the messages of one connection; knows the tables that were announced on it."""

    def __init__(self, describe: Callable[[RelationMessage], Shape]) -> None:
        """`describe` is asked for each relation message; errors of its own pass through."""
        self._describe = describe
        self._shapes: dict[int, Shape] = {}
        self._types: dict[int, str] = {}
        self._streaming = False

    def decode(self, message: bytes) -> Message:
        """One message. None for what only the decoder needs, and for logical messages.

        Raises `ProtocolError`.
        """
        try:
            kind = message[0]
            if self._streaming and kind in _ROWS:
                return _streamed(kind, message)
            handler = _ROWS.get(kind)
            if handler is not None:
                return handler(self, message, 1)
            control = _WITHIN if self._streaming else _CONTROL
            return control[kind](self, message)
        except _WRONG as error:
            raise _broken(message, error) from error

    def replay(self, message: bytes) -> Message:
        """A message that was kept while its transaction was streamed. Raises `ProtocolError`."""
        try:
            return _ROWS[message[0]](self, message, 5)
        except _WRONG as error:
            raise _broken(message, error) from error

    def _insert(self, message: bytes, at: int) -> Change:
        shape = self._shapes[_U32.unpack_from(message, at)[0]]
        if message[at + 4] != _NEW:
            raise ProtocolError("an insert without a new row")
        after, end = row(message, at + 5, shape.converters)
        if end != len(message):
            raise ProtocolError("an insert with something behind it")
        return Change(shape.relation, Op.CREATE, None, after)

    def _update(self, message: bytes, at: int) -> Change:
        shape = self._shapes[_U32.unpack_from(message, at)[0]]
        at, before = at + 4, None
        if message[at] != _NEW:
            before, at = old_row(message, at, shape)
        if message[at] != _NEW:
            raise ProtocolError("an update without a new row")
        after, end = row(message, at + 1, shape.converters)
        if end != len(message):
            raise ProtocolError("an update with something behind it")
        return Change(shape.relation, Op.UPDATE, before, after)

    def _delete(self, message: bytes, at: int) -> Change:
        shape = self._shapes[_U32.unpack_from(message, at)[0]]
        before, end = old_row(message, at + 4, shape)
        if end != len(message):
            raise ProtocolError("a delete with something behind it")
        return Change(shape.relation, Op.DELETE, before, None)

    def _truncate(self, message: bytes, at: int) -> list[Change]:
        count = _U32.unpack_from(message, at)[0]
        ids = struct.unpack_from(f">{count}I", message, at + 5)
        return [Change(self._shapes[each].relation, Op.TRUNCATE, None, None) for each in ids]

    def _relation(self, message: bytes, at: int) -> None:
        relation = _relation(message, at, self._types)
        self._shapes[relation.id] = self._describe(relation)

    def _type(self, message: bytes, at: int) -> None:
        _, name_at = _text(message, at + 4)
        self._types[_U32.unpack_from(message, at)[0]] = _text(message, name_at)[0]

    def _logical(self, _message: bytes, _at: int) -> None:
        """Not asked for, and nothing of ours."""

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
        return StreamAbort(*_TWO.unpack_from(message, 1))


_ROWS: Final[dict[int, Callable[[Decoder, bytes, int], Message]]] = {
    ord("I"): Decoder._insert,  # noqa: SLF001 - its own table of methods
    ord("U"): Decoder._update,  # noqa: SLF001
    ord("D"): Decoder._delete,  # noqa: SLF001
    ord("T"): Decoder._truncate,  # noqa: SLF001
    ord("R"): Decoder._relation,  # noqa: SLF001
    ord("Y"): Decoder._type,  # noqa: SLF001
    ord("M"): Decoder._logical,  # noqa: SLF001
}
"""Messages that are part of a transaction, by the position behind their (sub)transaction."""
_WITHIN: Final[dict[int, Callable[[Decoder, bytes], Message]]] = {
    ord("O"): Decoder._origin,  # noqa: SLF001
    ord("E"): Decoder._stop,  # noqa: SLF001
}
"""Others between stream start and stream stop."""
_CONTROL: Final[dict[int, Callable[[Decoder, bytes], Message]]] = {
    ord("B"): Decoder._begin,  # noqa: SLF001
    ord("C"): Decoder._commit,  # noqa: SLF001
    ord("O"): Decoder._origin,  # noqa: SLF001
    ord("S"): Decoder._start,  # noqa: SLF001
    ord("c"): Decoder._stream_commit,  # noqa: SLF001
    ord("A"): Decoder._stream_abort,  # noqa: SLF001
}


def _streamed(kind: int, message: bytes) -> Streamed | None:
    if kind == _LOGICAL:
        return None
    subxid = _U32.unpack_from(message, 1)[0]
    return Streamed(None if kind in {_RELATION, _TYPE} else subxid, message)


def _relation(message: bytes, at: int, types: dict[int, str]) -> RelationMessage:
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
        columns.append(RelationColumn(column, key, kind, modifier, types.get(kind)))
        at += 8
    # An empty schema stands for pg_catalog.
    return RelationMessage(identifier, schema or "pg_catalog", name, identity, tuple(columns))


def _text(message: bytes, at: int) -> tuple[str, int]:
    end = message.index(b"\0", at)
    return message[at:end].decode(), end + 1


def _broken(message: bytes, error: Exception) -> ProtocolError:
    kind = chr(message[0]) if message else ""
    return ProtocolError(f"a broken message {kind!r} of {len(message)} bytes: {error!r}")
