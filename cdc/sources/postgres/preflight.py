"""What PostgreSQL needs before a stream can capture it, and the statements that give it that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import psycopg
from psycopg import sql

from cdc.config.model import Stream, TableSync
from cdc.relay.ports import SourceError
from cdc.sources.postgres import catalog
from cdc.sources.postgres.names import publication_name, slot_name
from cdc.sources.postgres.session import connect
from cdc.sources.postgres.slots import drop_slot
from cdc.sources.preflight import Finding

MARKER = "strangler_marker"
APPLIED = "strangler_applied"
_OLDEST = 130000
_MARKER_TABLE = """CREATE TABLE IF NOT EXISTS strangler_marker (
    stream text, kind text, seq bigint NOT NULL, body text NOT NULL,
    written_at timestamptz NOT NULL, PRIMARY KEY (stream, kind))"""


class PostgresPreflight:
    """See `cdc.sources.preflight.Preflight`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._session = connect(stream.source)
        self._publication = publication_name(stream)
        self._slot = slot_name(stream)

    def check(self) -> Sequence[Finding]:
        """Everything that is missing, in one run."""
        return [
            *self._server(),
            *self._room(),
            *self._rights(),
            *(finding for table in self._stream.tables for finding in self._table(table)),
            *self._outbox(),
            *self._markers(),
            *self._published(),
            *self._slot_state(),
        ]

    def apply(self) -> Sequence[str]:
        """Make the marker table and the publication; raises `SourceError` where it may not.

        The slot is made by the relay's first start: a stream that is prepared and then forgotten
        must not fill the source's disk.
        """
        statements = [
            *([] if catalog.find(self._session, MARKER) else [_MARKER_TABLE]),
            *self._publication_statements(),
        ]
        return [self._run(statement) for statement in statements]

    def undo(self) -> Sequence[str]:
        """Remove slot, publication, markers and replication origin of the stream."""
        done = []
        if self._one("SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", self._slot):
            drop_slot(self._session, self._slot)
            done.append(f"SELECT pg_drop_replication_slot('{self._slot}')")
        if self._one("SELECT 1 FROM pg_publication WHERE pubname = %s", self._publication):
            done.append(self._run(f'DROP PUBLICATION "{self._publication}"'))
        done += self._forget_markers()
        origin = f"strangler:{self._stream.name}"
        if self._one("SELECT 1 FROM pg_replication_origin WHERE roname = %s", origin):
            literal = sql.Literal(origin).as_string(self._session)
            done.append(self._run(f"SELECT pg_replication_origin_drop({literal})"))
        return done

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def _server(self) -> Iterator[Finding]:
        version = self._session.info.server_version
        if version < _OLDEST:
            yield Finding(
                f"PostgreSQL {version // 10000} is too old: publications of partitioned tables"
                " need 13", "upgrade the server", applies=False,
            )  # fmt: skip
        if self._setting("wal_level") != "logical":
            yield Finding(
                f"wal_level is {self._setting('wal_level')}; the log tells rows only with logical",
                "ALTER SYSTEM SET wal_level = logical, then restart the server",
                applies=False,
            )
        if self._one("SELECT pg_is_in_recovery()"):
            yield Finding(
                "the server is a standby, where neither markers nor publications can be written",
                "name the primary in `source:`",
                applies=False,
            )
        if self._setting("max_slot_wal_keep_size") == "-1":
            yield Finding(
                "max_slot_wal_keep_size is unlimited: a relay that is off for long fills the disk",
                "ALTER SYSTEM SET max_slot_wal_keep_size = '64GB', then SELECT pg_reload_conf()",
                fatal=False,
                applies=False,
            )

    def _room(self) -> Iterator[Finding]:
        if self._one("SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", self._slot):
            return  # ours is there and has its place
        used = {
            "max_replication_slots": "SELECT count(*) FROM pg_replication_slots",
            "max_wal_senders": "SELECT count(*) FROM pg_stat_replication",
        }
        for setting, query in used.items():
            most, count = int(self._setting(setting)), int(str(self._one(query) or 0))
            if count >= most:
                yield Finding(
                    f"all {most} of {setting} are in use",
                    f"ALTER SYSTEM SET {setting} = {most + 10}, then restart the server",
                    applies=False,
                )

    def _rights(self) -> Iterator[Finding]:
        role = self._session.info.user
        right = "SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user"
        if not self._one(right):
            yield Finding(
                f"the role {role} may not replicate",
                f'ALTER ROLE "{role}" REPLICATION, as a superuser',
                applies=False,
            )
        if not self._one("SELECT has_database_privilege(current_database(), 'CREATE')"):
            database = self._session.info.dbname
            yield Finding(
                f"the role {role} may not create a publication in {database}",
                f'GRANT CREATE ON DATABASE "{database}" TO "{role}"',
                applies=False,
            )

    def _table(self, table: TableSync) -> Iterator[Finding]:
        found = catalog.find(self._session, table.table)
        if found is None:
            yield Finding(
                f"there is no table {table.table}", "mend `tables:` in routes.yaml", applies=False
            )
            return
        name = catalog.quoted(table.table)
        persistence, identity = self._session.execute(
            "SELECT relpersistence, relreplident FROM pg_class WHERE oid = %s", (found[0],)
        ).fetchone() or ("p", "d")
        if persistence != "p":
            yield Finding(
                f"{table.table} is unlogged or temporary: its changes are not in the log",
                f"ALTER TABLE {name} SET LOGGED",
                applies=False,
            )
        yield from self._key(table, found[0], identity)
        if not self._one("SELECT has_table_privilege(%s, 'SELECT')", name):
            yield Finding(
                f"{table.table} may not be read, as a snapshot has to",
                f'GRANT SELECT ON {name} TO "{self._session.info.user}"',
                applies=False,
            )

    def _key(self, table: TableSync, oid: int, identity: str) -> Iterator[Finding]:
        name = catalog.quoted(table.table)
        key = catalog.key_columns(self._session, oid, table.key)
        if not key:
            yield Finding(
                f"{table.table} has no key, so its rows cannot be told apart",
                f"ALTER TABLE {name} ADD PRIMARY KEY (…), or `key:` in routes.yaml",
                applies=False,
            )
        primary = catalog.key_columns(self._session, oid, ())
        silent = identity == "n" or (identity == "d" and not primary)
        if silent or (identity == "d" and not key <= primary):
            yield Finding(
                f"the log does not tell which row of {table.table} an update or delete concerns",
                f"ALTER TABLE {name} REPLICA IDENTITY FULL",
                applies=False,
            )

    def _outbox(self) -> Iterator[Finding]:
        outbox = self._stream.outbox
        if outbox is not None and catalog.find(self._session, outbox) is None:
            yield Finding(
                f"there is no outbox table {outbox}",
                f"CREATE TABLE {catalog.quoted(outbox)} (id uuid PRIMARY KEY, aggregatetype text,"
                " aggregateid text, type text, payload jsonb, headers jsonb)",
                applies=False,
            )

    def _markers(self) -> Iterator[Finding]:
        if catalog.find(self._session, MARKER) is None:
            yield Finding("the table for markers is missing", " ".join(_MARKER_TABLE.split()))

    def _published(self) -> Iterator[Finding]:
        for statement in self._publication_statements():
            verb = "is missing" if statement.startswith("CREATE") else "is not what it has to be"
            yield Finding(f"the publication {self._publication} {verb}", statement)

    def _slot_state(self) -> Iterator[Finding]:
        row = self._session.execute(
            "SELECT plugin, wal_status FROM pg_replication_slots WHERE slot_name = %s",
            (self._slot,),
        ).fetchone()
        if row is not None and (row[0] != "pgoutput" or row[1] == "lost"):
            yield Finding(
                f"the replication slot {self._slot} is"
                f" {'lost' if row[1] == 'lost' else f'of the plugin {row[0]}'}",
                f"strangler cdc run {self._stream.name} --resnapshot",
                applies=False,
            )

    def _publication_statements(self) -> list[str]:
        """What makes the publication right; none if it is."""
        wanted = self._captured()
        listed = ", ".join(wanted.values())
        row = self._session.execute(
            "SELECT pubviaroot AND pubinsert AND pubupdate AND pubdelete AND pubtruncate,"
            " puballtables FROM pg_publication WHERE pubname = %s",
            (self._publication,),
        ).fetchone()
        if row is None:
            return [
                f'CREATE PUBLICATION "{self._publication}" FOR TABLE {listed}'
                " WITH (publish_via_partition_root = true)"
            ]
        statements = []
        if not row[0]:
            statements.append(
                f'ALTER PUBLICATION "{self._publication}" SET (publish_via_partition_root = true,'
                " publish = 'insert, update, delete, truncate')"
            )
        if not row[1] and self._published_tables() != frozenset(wanted):
            statements.append(f'ALTER PUBLICATION "{self._publication}" SET TABLE {listed}')
        return statements

    def _captured(self) -> dict[tuple[str, str], str]:
        """The tables to publish, by schema and name; each as it is written in SQL."""
        stream = self._stream
        tables = [table.table for table in stream.tables]
        tables += [each for each in (stream.outbox, APPLIED if stream.reverse else None) if each]
        found = [(catalog.find(self._session, table), table) for table in tables]
        captured = {
            (place[1], place[2]): catalog.quoted(table) for table, place in
            ((table, place) for place, table in found) if place is not None
        }  # fmt: skip
        marker = catalog.find(self._session, MARKER)
        schema = marker[1] if marker else str(self._one("SELECT current_schema()"))
        captured[schema, MARKER] = catalog.quoted(MARKER)
        return captured

    def _published_tables(self) -> frozenset[tuple[str, str]]:
        rows = self._session.execute(
            "SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = %s",
            (self._publication,),
        )
        return frozenset((row[0], row[1]) for row in rows)

    def _forget_markers(self) -> list[str]:
        if catalog.find(self._session, MARKER) is None:
            return []
        name = sql.Literal(self._stream.name).as_string(self._session)
        done = [self._run(f"DELETE FROM strangler_marker WHERE stream = {name}")]  # noqa: S608
        others = "SELECT 1 FROM pg_publication_tables WHERE tablename = %s LIMIT 1"
        if not self._one(others, MARKER):
            done.append(self._run(f"DROP TABLE {MARKER}"))
        return done

    def _setting(self, name: str) -> str:
        return str(self._one("SELECT current_setting(%s, true)", name))

    def _one(self, query: str, *given: object) -> object:
        """The only value of a query's only row; None for no row."""
        return self._guarded(lambda: next(iter(self._row(query, given)), None))

    def _row(self, query: str, given: Sequence[object]) -> Sequence[object]:
        return self._session.execute(query.encode(), given).fetchone() or ()

    def _run(self, statement: str) -> str:
        self._guarded(lambda: self._session.execute(statement.encode()))
        return statement

    def _guarded(self, work: Callable[[], object]) -> object:
        try:
            return work()
        except psycopg.Error as error:
            raise SourceError(f"PostgreSQL: {error}", temporary=False) from error
