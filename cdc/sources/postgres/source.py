"""PostgreSQL's log by logical replication, one slot for each stream.

What a slot guarantees, and what it does not: the server sends every transaction whose commit lies
behind the confirmed position, in the order of their commits. It sends those again after a
reconnect, and knows nothing of what Kafka has; so the position is the relay's business alone.

The identity is the server's system identifier, the database and the slot. What it cannot tell is
told by positions at each start. A slot that was made anew, or moved ahead by someone, begins
*behind* the place where reading stopped. A server whose log *ends* before that place has lost
writes that Kafka has: a restored backup, or a standby that was behind when it took over. The
timeline is no part of the identity: a failover keeps the log whole where the slot is copied to the
standby and the primary sends nothing that the standby lacks (`synchronized_standby_slots`,
PostgreSQL 17). Without that setting, a standby that took over behind the relay and has written past
it before the relay comes back cannot be told from one that was not behind.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from cdc.change import Event, Identity, Position
from cdc.config.model import Stream
from cdc.config.names import command
from cdc.pgoutput import Decoder, ProtocolError
from cdc.relay.ports import SourceError
from cdc.sources.postgres.assembly import MOST, Assembler
from cdc.sources.postgres.catalog import Connection
from cdc.sources.postgres.names import publication_name, slot_name
from cdc.sources.postgres.session import connect, failures
from cdc.sources.postgres.slots import Slot, create_slot, drop_slot, retained, slot_of
from cdc.sources.postgres.tables import Tables
from cdc.sources.postgres.values import SETTINGS
from cdc.sources.postgres.wire import Keepalive, Replication
from cdc.sources.spill import Spill


class PostgresSource:
    """See `cdc.relay.ports.Source`."""

    connector = "postgresql"

    def __init__(self, stream: Stream, folder: Path) -> None:
        self._stream = stream
        self._slot = slot_name(stream)
        self._spill = Spill(folder, stream.limits.spill)
        self._wire: Replication | None = None
        self._identity: Identity | None = None
        self._session: Connection | None = None
        self._looking: Connection | None = None
        self._tables: Tables | None = None
        self._assembler: Assembler | None = None
        self._waiting: Iterator[bytes | Keepalive] = iter(())
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
        """Stream from `resume`; without one, from the slot's position.

        Then a slot is made where there is none, or one that has lost its log.
        """
        self.identity()
        self._spill.clean()
        wire = self._connected()
        self._session = session = self._session or connect(self._stream.source)
        with failures("starting to read"):
            self._tables = tables = Tables(session, self._stream)
            slot = slot_of(session, self._slot)
            if resume is None and slot is not None and slot.lost:
                drop_slot(session, self._slot)
                slot = None
            if resume is None and slot is None:
                slot = create_slot(session, self._slot)
            slot = self._checked(slot, resume)
        begin = slot.confirmed if resume is None else resume
        for name, value in SETTINGS.items():
            wire.query(f"SET {name} TO '{value}'")
        if wire.query("SHOW server_encoding") == [("SQL_ASCII",)]:
            # It knows no characters: asked for UTF-8, it refuses a row with any other bytes.
            wire.query("SET client_encoding TO 'SQL_ASCII'")
        wire.start(self._command(begin, session.info.server_version), begin)
        self._assembler = Assembler(Decoder(tables.describe), self._spill, begin)
        self._waiting = iter(())
        return begin

    def read(self, timeout: float) -> Sequence[Event]:
        """The next events, at most some thousand."""
        assert self._wire is not None
        assert self._assembler is not None
        deadline = time.monotonic() + timeout
        try:
            with failures("describing a table"):
                events = self._assembler.go_on(self._waiting)
                while not events:  # what is spilled is no event yet
                    left = max(0.0, deadline - time.monotonic())
                    self._waiting = iter(self._wire.read(left, MOST))
                    events = self._assembler.go_on(self._waiting)
                    if not left:
                        break
        except ProtocolError as error:
            raise SourceError(f"PostgreSQL sent {error}", temporary=True) from error
        return events

    def confirm(self, resume: Position) -> None:
        """Let the server forget everything before `resume`."""
        assert self._wire is not None
        self._wire.confirm(resume)

    def retained(self) -> int:
        """Bytes from the slot's oldest need to the log's end; called by one other thread."""
        return retained(self._looked(), self._slot)

    def check(self) -> None:
        """Whether the publication still has every table; called by that other thread."""
        if self._tables is not None:
            self._tables.check(self._looked())

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

    def _looked(self) -> Connection:
        if self._looking is None or self._looking.closed:
            self._looking = connect(self._stream.source)
        return self._looking

    def _command(self, begin: Position, version: int) -> str:
        options = {"publication_names": f'"{publication_name(self._stream)}"'}
        if version >= 140000:
            options |= {"proto_version": "2", "streaming": "on"}
        else:
            options["proto_version"] = "1"
        if version >= 160000:
            # `none` would hide what any applier wrote from every stream, not from its partner's.
            options["origin"] = "any"
        given = ", ".join(f"{name} '{value}'" for name, value in options.items())
        return f'START_REPLICATION SLOT "{self._slot}" LOGICAL {self.text(begin)} ({given})'

    def _checked(self, slot: Slot | None, resume: Position | None) -> Slot:
        """The slot; raises a permanent error where it cannot bring what follows `resume`."""
        if slot is None:
            raise self._lost(f"the replication slot {self._slot} is gone", resume)
        if slot.lost:
            raise self._lost(
                f"the replication slot {self._slot} has lost its log ({slot.lost})", resume
            )
        if resume is None:
            return slot
        if slot.confirmed > resume:
            raise self._lost(
                f"the replication slot {self._slot} begins at {self.text(slot.confirmed)}, after"
                f" {self.text(resume)} where this relay stopped: it was made anew or moved",
                resume,
            )
        if slot.end < resume:
            raise SourceError(
                f"the server's log ends at {self.text(slot.end)}, before {self.text(resume)} which"
                " is in Kafka already: it has lost writes (a restored backup, a failover);"
                f" {self._remedy()}",
                temporary=False,
            )
        return slot

    def _lost(self, what: str, resume: Position | None) -> SourceError:
        since = "" if resume is None else f" after {self.text(resume)}"
        return SourceError(
            f"{what}, and with it the changes of the stream {self._stream.name}{since};"
            f" {self._remedy()}",
            temporary=False,
        )

    def _remedy(self) -> str:
        return f"resume with a snapshot: `{command('run', self._stream, '--resnapshot')}`"
