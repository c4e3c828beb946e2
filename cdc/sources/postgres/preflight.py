"""What PostgreSQL needs before a stream can capture it, and the statements that give it that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from psycopg import errors, sql

from cdc.applier.tables import applied_ddl
from cdc.config.model import Stream
from cdc.config.names import command
from cdc.relay.ports import SourceError
from cdc.sources.postgres import captured, catalog, publication, requirements
from cdc.sources.postgres.captured import Facts
from cdc.sources.postgres.catalog import Connection, one
from cdc.sources.postgres.names import publication_name, slot_name
from cdc.sources.postgres.publication import Publication
from cdc.sources.postgres.session import connect, failures
from cdc.sources.postgres.slots import drop_slot
from cdc.sources.postgres.tables import APPLIED, MARKER
from cdc.sources.preflight import Finding

MARKER_DDL: Final = (
    f"CREATE TABLE {MARKER} (stream text, kind text, seq bigint NOT NULL, body text NOT NULL,"
    " written_at timestamptz NOT NULL, PRIMARY KEY (stream, kind))"
)
_DDL: Final = {MARKER: MARKER_DDL, APPLIED: applied_ddl("postgresql")}
"""Tables of ours. An applier would make its own, but perhaps after the publication."""
_MARKER_KEY: Final = ("stream", "kind")
_MARKER_COLUMNS: Final = {"stream", "kind", "seq", "body", "written_at"}
_ALONE: Final = "SELECT pg_advisory_xact_lock(hashtextextended('strangler preflight', 0))"
"""One preflight at a time, so that none removes what another one is about to use."""
_HOLDER: Final = """
SELECT format('process %%s (%%s)', s.active_pid, concat_ws(', ', r.application_name, r.client_addr))
FROM pg_replication_slots s LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid
WHERE s.slot_name = %s AND s.active
"""
_WRITTEN: Final = """
SELECT EXISTS (SELECT FROM pg_publication_rel WHERE prrelid = %s)
    OR EXISTS (SELECT FROM strangler_applied)
"""
_USED: Final = """
SELECT EXISTS (SELECT FROM pg_publication_rel WHERE prrelid = %s)
    OR EXISTS (SELECT FROM strangler_marker)
"""


class PostgresPreflight:
    """See `cdc.sources.preflight.Preflight`. Connects at the first use."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._open: Connection | None = None
        self._publication = publication_name(stream)
        self._slot = slot_name(stream)

    def check(self) -> Sequence[Finding]:
        """Everything that is missing, in one run."""
        with failures("checking the source"):
            session = self._session()
            known = self._known(session)
            return list(
                chain(
                    requirements.server(session),
                    requirements.room(session, self._slot),
                    requirements.role(session),
                    self._tables(session, known),
                    *(_missing(session, name) for name in self._to_make(known)),
                    _marker(session, known.get(MARKER)),
                    self._look(session, known).findings(session, self._to_make(known)),
                    requirements.slot_state(session, self._stream, self._slot),
                )
            )

    def apply(self) -> Sequence[str]:
        """Make the marker table and the publication; raises `SourceError` where it may not.

        The slot is made by the relay's first start: a stream that is prepared and then forgotten
        must not fill the source's disk.
        """
        done = []
        with failures("setting the source up"), self._session().transaction():
            session = self._session()
            session.execute(_ALONE)
            done += [_run(session, _DDL[name]) for name in self._to_make(self._known(session))]
            found = self._look(session, self._known(session))
            if wrong := found.statements():
                wrong = [*publication.locks(session, found), *wrong]
            done += [_run(session, statement) for statement in wrong]
        return done

    def undo(self) -> Sequence[str]:
        """Remove slot, publication, markers and replication origin of the stream."""
        with failures("removing the stream from the source"):
            session = self._session()
            # What others may hold comes first, so that nothing is gone where that is refused.
            origin, slot = self._drop_origin(session), self._drop_slot(session)
            return [*slot, *self._drop_tables(session), *origin]

    def close(self) -> None:
        """End the session."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _session(self) -> Connection:
        if self._open is None or self._open.closed:
            self._open = connect(self._stream.source)
        return self._open

    def _known(self, session: Connection) -> dict[str, Facts]:
        """By the stream's name for it: what is there of the tables to capture."""
        stream = self._stream
        more = [stream.outbox] if stream.outbox else []
        names = [*(table.table for table in stream.tables), *more, *self._own()]
        found = {name: catalog.find(session, name) for name in names}
        oids = {name: place[0] for name, place in found.items() if place is not None}
        facts = {each.oid: each for each in captured.facts(session, list(oids.values()))}
        return {name: facts[oid] for name, oid in oids.items()}

    def _look(self, session: Connection, known: dict[str, Facts]) -> Publication:
        wanted = {each.oid: each for each in known.values() if captured.publishable(session, each)}
        return publication.look(session, self._publication, list(wanted.values()))

    def _tables(self, session: Connection, known: dict[str, Facts]) -> Iterator[Finding]:
        for table in self._stream.tables:
            facts = known.get(table.table)
            if facts is None:
                yield captured.missing(session, table.table)
            else:
                yield from captured.logged(session, table.table, facts)
                yield from captured.synced(session, table, facts)
        outbox = self._stream.outbox
        if outbox is not None and outbox in known:
            yield from captured.logged(session, outbox, known[outbox])
        elif outbox is not None:
            yield Finding(
                f"there is no outbox table {outbox}",
                f"CREATE TABLE {catalog.quoted(outbox)} (id uuid PRIMARY KEY, aggregatetype text,"
                " aggregateid text, type text, payload jsonb, headers jsonb)", applies=False,
            )  # fmt: skip

    def _own(self) -> list[str]:
        """The tables of ours that the log must have."""
        return [MARKER, APPLIED] if self._stream.two_way else [MARKER]

    def _to_make(self, known: dict[str, Facts]) -> list[str]:
        return [name for name in self._own() if name not in known]

    def _drop_slot(self, session: Connection) -> list[str]:
        query = "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND database = %s"
        if one(session, query, self._slot, session.info.dbname) is None:
            return []
        try:
            drop_slot(session, self._slot)
        except SourceError as error:
            holder = one(session, _HOLDER, self._slot)
            if holder is None:
                raise
            raise SourceError(
                f"the replication slot {self._slot} is in use by {holder}: stop"
                f" `{command('run', self._stream)}` first", temporary=True,
            ) from error  # fmt: skip
        return [f"SELECT pg_drop_replication_slot('{self._slot}')"]

    def _drop_tables(self, session: Connection) -> list[str]:
        done: list[str] = []
        with session.transaction():
            session.execute(_ALONE)
            query = "SELECT 1 FROM pg_publication WHERE pubname = %s"
            if one(session, query, self._publication) is not None:
                done.append(_run(session, publication.drop(self._publication)))
            done += self._drop_applied(session)
            marker = catalog.find(session, MARKER)
            if marker is None:
                return done
            mine = "SELECT 1 FROM strangler_marker WHERE stream = %s"
            if one(session, mine, self._stream.name) is not None:
                name = _literal(self._stream.name)
                done.append(_run(session, f"DELETE FROM {MARKER} WHERE stream = {name}"))  # noqa: S608
            if not one(session, _USED, marker[0]):
                done.append(_run(session, f"DROP TABLE {MARKER}"))
        return done

    def _drop_applied(self, session: Connection) -> list[str]:
        """The applier's table stays where one has written, or another stream watches it."""
        found = catalog.find(session, APPLIED) if self._stream.two_way else None
        if found is None or one(session, _WRITTEN, found[0]):
            return []
        return [_run(session, f"DROP TABLE {APPLIED}")]

    def _drop_origin(self, session: Connection) -> list[str]:
        origin = f"strangler:{self._stream.name}"
        query = "SELECT 1 FROM pg_replication_origin WHERE roname = %s"
        if one(session, query, origin) is None:
            return []
        try:
            return [_run(session, f"SELECT pg_replication_origin_drop({_literal(origin)})")]
        except errors.ObjectInUse as error:
            raise SourceError(
                f"the replication origin {origin} is in use: stop"
                f" `{command('apply', self._stream)}` first", temporary=True,
            ) from error  # fmt: skip


def _missing(session: Connection, name: str) -> Iterator[Finding]:
    """A table of ours that is yet to be made, and whether it may be."""
    role = catalog.ident(session.info.user)
    schema = one(session, "SELECT quote_ident(current_schema())")
    may = one(session, "SELECT has_schema_privilege(current_schema(), 'CREATE')")
    yield Finding(f"the table {name} is missing", _DDL[name], applies=bool(may))
    if not may and name == MARKER:  # said once
        yield Finding(
            f"the role {role} may not create a table in the schema {schema}"
            if schema else f"the search path of the role {role} has no schema to create in",
            f"GRANT CREATE ON SCHEMA {schema or 'public'} TO {role}", applies=False,
        )  # fmt: skip


def _marker(session: Connection, table: Facts | None) -> Iterator[Finding]:
    role = catalog.ident(session.info.user)
    if table is None:
        return
    columns = {each.name for each in catalog.columns(session, table.oid, frozenset())}
    indexes = catalog.unique_indexes(session, table.oid)
    if not columns >= _MARKER_COLUMNS or not any(i.columns == _MARKER_KEY for i in indexes):
        yield Finding(
            f"the table {table.quoted} is not the one for markers: it has other columns or another"
            " key", f"ALTER TABLE {table.quoted} RENAME TO …", applies=False,
        )  # fmt: skip
    yield from captured.logged(session, MARKER, table)
    rights = "SELECT bool_and(has_table_privilege(%s::oid, r)) FROM unnest(%s::text[]) AS r"
    if not one(session, rights, table.oid, ["SELECT", "INSERT", "UPDATE"]):
        yield Finding(
            f"the role {role} may not write markers",
            f"GRANT SELECT, INSERT, UPDATE ON {table.quoted} TO {role}", applies=False,
        )  # fmt: skip


def _run(session: Connection, statement: str) -> str:
    with failures(f"running {statement}"):
        session.execute(statement.encode())
    return statement


def _literal(value: str) -> str:
    return sql.Literal(value).as_string(None)
