"""PostgreSQL's log by logical replication, one slot for each stream.

What a slot guarantees, and what it does not: the server sends every transaction whose commit lies
behind the confirmed position, in the order of their commits. It sends those again after a
reconnect, and knows nothing of what Kafka has; so the position is the relay's business alone.

A slot that was dropped and made anew begins where the log was at that moment. That is beyond the
checkpoint, and so it is noticed: `start` refuses a slot whose confirmed position is greater.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg

from cdc.change import Begin, Change, Column, Commit, Event, Identity, Position, Reached, Relation
from cdc.config.model import Stream
from cdc.pgoutput import (
    Decoder,
    Origin,
    ProtocolError,
    RelationMessage,
    Shape,
    StreamAbort,
    StreamCommit,
    Streamed,
    StreamStart,
    StreamStop,
)
from cdc.relay.ports import SourceError
from cdc.sources.postgres import catalog
from cdc.sources.postgres.names import publication_name, slot_name
from cdc.sources.postgres.session import connect
from cdc.sources.postgres.slots import Slot, create_slot, drop_slot, retained, slot_of
from cdc.sources.postgres.values import SETTINGS, converter
from cdc.sources.postgres.wire import Keepalive, Replication
from cdc.sources.spill import Spill

_MOST = 2_000
"""Events of one read."""
APPLIED = "strangler_applied"
MARKER = "strangler_marker"


class PostgresSource:
    """See `cdc.relay.ports.Source`."""

    connector = "postgresql"

    def __init__(self, stream: Stream, folder: Path) -> None:
        self._stream = stream
        self._slot = slot_name(stream)
        self._spill = Spill(folder, stream.limits.spill)
        self._decoder = Decoder(self._describe)
        self._wire: Replication | None = None
        self._identity: Identity | None = None
        self._session: catalog.Connection | None = None
        self._looking: catalog.Connection | None = None
        self._names: dict[tuple[str, str], str] = {}
        """By schema and name: what the stream calls a table."""
        self._waiting: Iterator[bytes | Keepalive] = iter(())
        self._replay: Iterator[bytes] | None = None
        self._replayed: StreamCommit | None = None
        self._streamed = 0
        self._origins: dict[int, str] = {}
        self._begin: Begin | None = None
        """A transaction of which nothing but its beginning has been seen."""
        self._open = False
        self.database = ""

    def identity(self) -> Identity:
        """The server's system identifier, the database and the slot."""
        if self._identity is None:  # asked before streaming begins: then no command is taken
            system, _, _, database = self._connected().query("IDENTIFY_SYSTEM")[0][:4]
            self.database = database or ""
            facts = {"system": system or "", "database": self.database, "slot": self._slot}
            self._identity = Identity.of(**facts)
        return self._identity

    def start(self, resume: Position | None) -> Position:
        """Stream from `resume`; without one, from the slot's position, made if there is none."""
        wire = self._connected()
        self.identity()
        self._spill.clean()
        self._session = connect(self._stream.source)
        self._find_tables()
        slot = slot_of(self._session, self._slot)
        if slot is None and resume is None:
            slot = create_slot(wire, self._slot)
        self._check(slot, resume)
        assert slot is not None
        begin = slot.confirmed if resume is None else resume
        for name, value in SETTINGS.items():
            wire.query(f"SET {name} TO '{value}'")
        wire.start(self._command(begin), begin)
        return begin

    def read(self, timeout: float) -> Sequence[Event]:
        """The next events, at most some thousand."""
        assert self._wire is not None
        events: list[Event] = []
        self._go_on(events)
        if not events:
            self._waiting = iter(self._wire.read(timeout, _MOST))
            self._go_on(events)
        return events

    def confirm(self, resume: Position) -> None:
        """Let the server forget everything before `resume`."""
        assert self._wire is not None
        self._wire.confirm(resume)

    def retained(self) -> int:
        """Bytes from the slot's oldest need to the log's end; called by one other thread."""
        if self._looking is None:
            self._looking = connect(self._stream.source)
        return retained(self._looking, self._slot)

    def release(self) -> None:
        """Drop the slot."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        with connect(self._stream.source) as session:
            drop_slot(session, self._slot)

    def text(self, position: Position) -> str:
        """A position as PostgreSQL writes it."""
        return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"

    def close(self) -> None:
        """End every session and remove what was spilled."""
        self._spill.close()
        for session in (self._wire, self._session, self._looking):
            if session is not None:
                session.close()
        self._wire = self._session = self._looking = None

    def _connected(self) -> Replication:
        if self._wire is None:
            self._wire = Replication(self._stream.source)
        return self._wire

    def _command(self, begin: Position) -> str:
        assert self._session is not None
        version = self._session.info.server_version
        options = {"publication_names": f'"{publication_name(self._stream)}"'}
        options |= (
            {"proto_version": "2", "streaming": "on"} if version >= 140000
            else {"proto_version": "1"}
        )  # fmt: skip
        if version >= 160000:
            # `none` would hide what any applier wrote from every stream, not from its partner's.
            options["origin"] = "any"
        given = ", ".join(f"{name} '{value}'" for name, value in options.items())
        return f'START_REPLICATION SLOT "{self._slot}" LOGICAL {self.text(begin)} ({given})'

    def _check(self, slot: Slot | None, resume: Position | None) -> None:
        """Raise a permanent error where the slot cannot bring what follows `resume`."""
        assert self._session is not None
        name, remedy = self._stream.name, "resume with"
        remedy += f" `strangler cdc run {name} --resnapshot`"
        lost = None
        if slot is None:
            lost = f"the replication slot {self._slot} is gone"
        elif slot.lost:
            lost = f"the replication slot {self._slot} has lost its log ({slot.lost})"
        elif resume is not None and slot.confirmed > resume:
            lost = (
                f"the replication slot {self._slot} begins at {self.text(slot.confirmed)}, after"
                f" {self.text(resume)} where this relay stopped: it was made anew or moved"
            )
        if lost:
            since = "" if resume is None else f" after {self.text(resume)}"
            raise SourceError(
                f"{lost}, and with it the changes of the stream {name}{since}; {remedy}",
                temporary=False,
            )
        end = slot.end if slot is not None else 0
        if resume is not None and end < resume:
            raise SourceError(
                f"the server's log ends at {self.text(end)}, before {self.text(resume)} which is in"
                f" Kafka already: it has lost writes (a restored backup, a failover); {remedy}",
                temporary=False,
            )

    def _find_tables(self) -> None:
        assert self._session is not None
        stream = self._stream
        publication = publication_name(stream)
        query = "SELECT 1 FROM pg_publication WHERE pubname = %s"
        if self._session.execute(query, (publication,)).fetchone() is None:
            raise SourceError(
                f"the source has no publication {publication}: run `strangler cdc init"
                f" {stream.name} --apply`",
                temporary=False,
            )
        tables = [table.table for table in stream.tables]
        for table in [*tables, MARKER, stream.outbox, APPLIED if stream.reverse else None]:
            found = catalog.find(self._session, table) if table else None
            if found is not None and table:
                self._names[found[1], found[2]] = table
            elif table in tables:
                raise SourceError(f"the source has no table {table}", temporary=False)

    def _describe(self, message: RelationMessage) -> Shape:
        """What a relation message leaves open is looked up as it is now."""
        assert self._session is not None
        name = self._names.get((message.schema, message.name))
        identity = {column.name for column in message.columns if column.key}
        if name and message.identity not in "di":
            identity = set(self._key(name, message))
        columns = tuple(
            Column(
                column.name,
                catalog.type_kind(self._session, column.type),
                self._written(column.type, column.modifier),
                column.name in identity,
            )
            for column in message.columns
        )
        relation = Relation(
            name or f"{message.schema}.{message.name}", message.schema, message.name, columns
        )
        return Shape(relation, tuple(converter(column.kind) for column in columns))

    def _key(self, name: str, message: RelationMessage) -> frozenset[str]:
        assert self._session is not None
        wanted = next((each.key for each in self._stream.tables if each.table == name), ())
        return catalog.key_columns(self._session, message.id, wanted)

    def _written(self, kind: int, modifier: int) -> str:
        assert self._session is not None
        query = "SELECT format_type(%s, %s)"
        row = self._session.execute(query, (kind, modifier)).fetchone()
        return str(row[0]) if row else "unknown"

    def _go_on(self, events: list[Event]) -> None:
        """Turn what is there into events, up to the most that one read gives."""
        try:
            while len(events) < _MOST:
                if self._replay is not None:
                    self._replay_next(events)
                    continue
                message = next(self._waiting, None)
                if message is None:
                    return
                if type(message) is Keepalive:
                    if not self._open:
                        events.append(Reached(message.position))
                else:
                    self._take(self._decoder.decode(message), events)  # type: ignore[arg-type]
        except ProtocolError as error:
            raise SourceError(f"PostgreSQL sent {error}", temporary=True) from error
        except psycopg.Error as error:
            raise SourceError(f"PostgreSQL: {error}", temporary=True) from error

    def _take(self, message: object, events: list[Event]) -> None:
        kind = type(message)
        if kind is Change:
            if self._begin is not None:
                self._began(events, message)  # type: ignore[arg-type]
            events.append(message)  # type: ignore[arg-type]
        elif kind is Begin:
            self._begin, self._open = message, True  # type: ignore[assignment]
        elif kind is Commit:
            self._commit(message, events)  # type: ignore[arg-type]
        elif kind is list:
            for change in message:  # type: ignore[attr-defined]
                self._take(change, events)
        else:
            self._streaming(message)

    def _began(self, events: list[Event], first: Change) -> None:
        """The first change of a transaction: now it is known who wrote it."""
        assert self._begin is not None
        if self._begin.origin is None and first.relation.table == APPLIED:
            self._begin.origin = _writer(first)
        events.append(self._begin)
        self._begin = None

    def _commit(self, commit: Commit, events: list[Event]) -> None:
        # A transaction without a change of ours (none of our tables) is only progress.
        events.append(Reached(commit.resume) if self._begin is not None else commit)
        self._begin, self._open = None, False

    def _streaming(self, message: object) -> None:
        match message:
            case Origin(name) if self._begin is not None:
                self._begin.origin = name
            case Origin(name):
                self._origins[self._streamed] = name
            case StreamStart(xid):
                self._streamed = xid
            case Streamed(subxid, data):
                self._spill.append(self._streamed, subxid, data)
            case StreamStop():
                self._streamed = 0
            case StreamAbort(xid, subxid) if xid == subxid:
                self._spill.drop(xid)
                self._origins.pop(xid, None)
            case StreamAbort(xid, subxid):
                self._spill.drop_part(xid, subxid)
            case StreamCommit(xid, begin, _):
                begin.origin = self._origins.pop(xid, None)
                self._begin, self._open = begin, True
                self._replay, self._replayed = self._spill.messages(xid), message
            case _:
                return

    def _replay_next(self, events: list[Event]) -> None:
        assert self._replay is not None
        assert self._replayed is not None
        message = next(self._replay, None)
        if message is not None:
            self._take(self._decoder.replay(message), events)
            return
        committed, self._replay, self._replayed = self._replayed, None, None
        self._spill.drop(committed.xid)
        self._commit(committed.commit, events)


def _writer(change: Change) -> str | None:
    """The origin that a row of `strangler_applied` tells."""
    row = change.after or change.before or ()
    names = (column.name for column in change.relation.columns)
    stream = dict(zip(names, row, strict=False)).get("stream")
    return f"strangler:{stream}" if isinstance(stream, str) else None
