"""From messages to events: whole transactions, each after its commit.

A transaction that comes after its commit passes at once. One that comes while it is in progress is
spilled, and passes when its commit does, a few thousand changes at a time: its size is the disk's
business, not the memory's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cdc.change import Begin, Change, Commit, Event, Op, Position, Reached
from cdc.pgoutput import (
    Decoder,
    Origin,
    ProtocolError,
    StreamAbort,
    StreamCommit,
    Streamed,
    StreamStart,
    StreamStop,
)
from cdc.sources.postgres.tables import APPLIED
from cdc.sources.postgres.wire import MOST_BYTES, Keepalive
from cdc.sources.spill import Spill

MOST: Final = 2_000
"""Events of one read, about: a truncate of many tables is not divided."""


class Assembler:
    """Holds what is between one message and the next."""

    def __init__(self, decoder: Decoder, spill: Spill, begin: Position) -> None:
        self._decoder, self._spill = decoder, spill
        self._reached = begin
        """What was reported last. A keepalive can be older: at first the server reads what it has
        to know again, from long before the place where it goes on sending."""
        self._begin: Begin | None = None
        """A transaction of which nothing but its beginning has been seen."""
        self._open = False
        self._streamed: int | None = None
        self._origins: dict[int, str] = {}
        self._replay: Iterator[bytes] = iter(())
        self._replayed: StreamCommit | None = None

    def go_on(self, waiting: Iterator[bytes | Keepalive]) -> list[Event]:
        """The events of what waits, as many as one read gives. What it leaves, waits on.

        Raises `ProtocolError`, `SourceError`, and what describing a table raises.
        """
        events: list[Event] = []
        while len(events) < MOST:
            if self._replayed is not None:
                if not self._go_on_replaying(self._replayed, events):
                    return events
            elif not self._pass(waiting, events):
                return events
        return events

    def _pass(self, waiting: Iterator[bytes | Keepalive], events: list[Event]) -> bool:
        """Handle messages until one begins a replay; False at the end or when it is enough."""
        decode = self._decoder.decode
        for message in waiting:
            if type(message) is Keepalive:
                self._reach(message.position, events)
                continue
            said = decode(message)  # type: ignore[arg-type]
            if type(said) is Change and self._begin is None and self._open:
                events.append(said)  # this and the next are by far the most frequent
            elif type(said) is Streamed:
                self._keep(said)
            else:
                self._take(said, events)
            if self._replayed is not None:
                return True
            if len(events) >= MOST:
                return False
        return False

    def _go_on_replaying(self, committed: StreamCommit, events: list[Event]) -> bool:
        """Replay a part; whether the transaction is complete with it."""
        size = 0
        for message in self._replay:
            said = self._decoder.replay(message)
            if type(said) is Change:
                self._changed(said, events)
            elif type(said) is list:
                for change in said:
                    self._changed(change, events)
            size += len(message)
            if len(events) >= MOST or size >= MOST_BYTES:
                return False
        self._replayed = None
        self._spill.drop(committed.xid)
        self._committed(committed.commit, events)
        return True

    def _take(self, said: object, events: list[Event]) -> None:
        match said:
            case Change():
                self._changed(said, events)
            case Begin():
                self._began(said)
            case Commit():
                self._committed(said, events)
            case list():
                for change in said:
                    self._changed(change, events)
            case Origin(name) if self._begin is not None:
                self._begin.origin = name
            case None:
                return
            case _:
                self._take_streamed(said)

    def _take_streamed(self, said: object) -> None:
        match said:
            case StreamStart(xid):
                self._streamed = xid
            case StreamStop():
                self._streamed = None
            case Origin(name) if self._streamed is not None:
                self._origins[self._streamed] = name
            case StreamAbort(xid, subxid) if xid != subxid:
                self._spill.drop_part(xid, subxid)
            case StreamAbort(xid, _):
                self._spill.drop(xid)
                self._origins.pop(xid, None)
            case StreamCommit(xid, begin, _):
                begin.origin = self._origins.pop(xid, None)
                self._began(begin)
                self._replay, self._replayed = self._spill.messages(xid), said
            case _:
                raise ProtocolError(f"{type(said).__name__} outside of a transaction")

    def _keep(self, said: Streamed) -> None:
        assert self._streamed is not None  # the decoder says it between start and stop only
        part = self._streamed if said.subxid is None else said.subxid
        self._spill.append(self._streamed, part, said.message)

    def _began(self, begin: Begin) -> None:
        if self._open:
            raise ProtocolError(f"the transaction {begin.xid} within another one")
        self._begin, self._open = begin, True

    def _changed(self, change: Change, events: list[Event]) -> None:
        if not self._open:
            raise ProtocolError("a change outside of a transaction")
        if self._begin is not None:  # the first: now it is known who wrote the transaction
            if self._begin.origin is None and change.relation.table == APPLIED:
                self._begin.origin = _writer(change)
            events.append(self._begin)
            self._begin = None
        events.append(change)

    def _committed(self, commit: Commit, events: list[Event]) -> None:
        if not self._open:
            raise ProtocolError("a commit without its transaction")
        without, self._begin, self._open = self._begin is not None, None, False
        if without:  # none of its changes was published: it is progress and no more
            self._reach(commit.resume, events)
        else:
            self._reached = commit.resume
            events.append(commit)

    def _reach(self, position: Position, events: list[Event]) -> None:
        if not self._open and position > self._reached:
            self._reached = position
            events.append(Reached(position))


def _writer(change: Change) -> str | None:
    """The origin that a row of `strangler_applied` tells."""
    row = (change.before if change.op is Op.DELETE else change.after) or ()
    names = (column.name for column in change.relation.columns)
    stream = dict(zip(names, row, strict=False)).get("stream")
    return f"strangler:{stream}" if isinstance(stream, str) else None
