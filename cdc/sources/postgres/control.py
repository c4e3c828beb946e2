"""Ordinary sessions on PostgreSQL: markers, and the rows of snapshots, repairs and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Final, cast

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from cdc.bounded import taken
from cdc.change import Relation, Row
from cdc.config.model import Stream
from cdc.config.names import command
from cdc.relay.ports import Chunk, SourceError
from cdc.sources.postgres import catalog
from cdc.sources.postgres.loading import read_lossless, unencoded
from cdc.sources.postgres.selecting import Plan
from cdc.sources.postgres.session import connect, failures
from cdc.sources.postgres.visibility import Snapshot

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('strangler_marker ' || %s, 0))"
"""Of the stream's name, not of a row: the first marker of a stream has no row yet."""
_MARK: Final = """
INSERT INTO strangler_marker AS m (stream, kind, seq, body, written_at)
SELECT %(stream)s, %(kind)s, greatest(max(seq), %(after)s) + 1, %(body)s, now()
FROM strangler_marker WHERE stream = %(stream)s
ON CONFLICT (stream, kind) DO UPDATE
SET seq = excluded.seq, body = excluded.body, written_at = excluded.written_at
RETURNING seq
"""
_NEWEST: Final = "SELECT coalesce(max(seq), 0) FROM strangler_marker WHERE stream = %s"
_NOW: Final = """
SELECT pg_current_snapshot()::text, c.oid::bigint, c.relkind = 'p',
       array_agg(a.attname::text ORDER BY a.attnum),
       array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a
  ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE n.nspname = %s AND c.relname = %s GROUP BY c.oid, c.relkind
"""
"""The snapshot that the transaction's next statement reads by, and the table's shape under it."""
_AS_IT_IS: Final = "SET LOCAL client_encoding TO SQL_ASCII"
"""Text without an encoding is sent as it is; as UTF-8, the first bad byte would be an error."""
_WRITERS: Final = """
WITH it AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = %s AND c.relname = %s)
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND granted
AND relation IN (SELECT oid FROM it UNION ALL SELECT relid FROM it, pg_partition_tree(oid))
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""
"""Those of partitions too, which may be written by their own names."""
_PIECE: Final = 16 if psycopg.capabilities.has_stream_chunked() else 1
"""Rows that libpq hands over at a time; before its version 17 it can do with one only."""
_COUNTED: Final = 10_000
"""Tables that seem smaller are counted: the planner guesses badly there, and counting is cheap."""


class PostgresControl:
    """See `cdc.relay.ports.SourceControl`. Connects at the first use, and again after a failure."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._open: catalog.Connection | None = None
        self._reading: psycopg.Cursor[TupleRow] | None = None
        self._orders: dict[Relation, tuple[int, ...]] = {}
        self._wide: Relation | None = None
        """Of which the chunk before was cut."""

    def mark(self, stream: str, kind: str, body: str, after: int = 0) -> int:
        """Write a marker; the order of `seq` is the order of the commits."""
        given = {"stream": stream, "kind": kind, "body": body, "after": after}
        with failures("writing a marker"), self._marking(stream) as session:
            row = session.execute(_MARK, given).fetchone()
        assert row is not None
        return int(row[0])

    def newest_marker(self, stream: str) -> int:
        """The greatest `seq`, that of a commit included which waits for a standby to have it.

        The log brings such a one before anybody can see it.
        """
        with failures("looking for markers"), self._marking(stream) as session:
            row = session.execute(_NEWEST, (stream,)).fetchone()
        assert row is not None
        return int(row[0])

    def relation(self, table: str, key: Sequence[str] = ()) -> Relation:
        """The table as it is now."""
        with failures(f"looking at the table {table}"):
            return catalog.relation(self._session(), table, key)

    def chunk(
        self, relation: Relation, after: Row | None, limit: int, where: str | None = None,
        most: int | None = None,
    ) -> Chunk:  # fmt: skip
        """Rows in the order of the key, and the snapshot they were read under."""
        with self._snapshot(relation) as (session, cursor, snapshot, plan):
            query = plan.chunk(after, limit, where).as_bytes(session)
            size = plan.size(after, limit, where).as_bytes(session)
            self._as_it_is(session)
            if most is None or self._fits(session, relation, size, most):
                rows, cut = cursor.execute(query).fetchall(), False
            else:
                rows, cut = _some(cursor, query, relation, most)
                self._wide = relation if cut else None
        return Chunk(relation, rows, Snapshot(snapshot).contains, cut)

    def _fits(
        self, session: catalog.Connection, relation: Relation, size: bytes, most: int
    ) -> bool:
        """Whether a chunk is no more than `most` bytes, as far as the server can tell.

        Rows that are taken one by one cost the relay twice as much as rows at once, and the server
        has time. Where the chunk before was too much it is not even asked.
        """
        if self._wide is relation:
            return False
        found = session.execute(size).fetchone()
        return found is not None and int(found[0]) < most

    def rows(self, relation: Relation, keys: Sequence[Row]) -> Chunk:
        """The rows of these keys that exist."""
        return self._read(relation, lambda plan: plan.rows(keys))

    def unlogged(self, relation: Relation) -> frozenset[str]:
        """Who holds a lock of a writer on the table: it is held until the writer's end is seen."""
        with failures(f"looking for writers of {relation.table}"):
            place = (relation.schema, relation.name)
            return frozenset(row[0] for row in self._session().execute(_WRITERS, place))

    def estimate(self, relation: Relation) -> int:
        """From the planner; counted where the table is small."""
        with failures(f"estimating {relation.table}"):
            session = self._session()
            _, plan = self._plan(session, relation)
            guessed = session.execute(plan.guess()).fetchone()
            rows = int(guessed[0][0]["Plan"]["Plan Rows"]) if guessed else 0
            if rows < _COUNTED:
                counted = session.execute(plan.count()).fetchone()
                rows = int(counted[0]) if counted else 0
            return rows

    def close(self) -> None:
        """End the session."""
        if self._open is not None:
            self._open.close()
            self._open = self._reading = None

    def _session(self) -> catalog.Connection:
        if self._open is None or self._open.closed:
            self._open = connect(self._stream.source)
            self._reading = self._open.cursor()
            read_lossless(self._reading)
        return self._open

    @contextmanager
    def _transaction(self, *, read_only: bool) -> Iterator[catalog.Connection]:
        """One that does not depend on the defaults of the role or the database."""
        session = self._session()
        level = psycopg.IsolationLevel
        session.isolation_level = level.REPEATABLE_READ if read_only else level.READ_COMMITTED
        session.read_only = read_only
        with session.transaction():
            yield session

    @contextmanager
    def _marking(self, stream: str) -> Iterator[catalog.Connection]:
        """A transaction in which nobody else writes a marker of the stream."""
        with self._transaction(read_only=False) as session:
            # Held until the commit is visible, so that the next one reads this number; read
            # committed, so that it does read what was committed while it waited.
            session.execute(_LOCK, (stream,))
            try:
                yield session
            except psycopg.errors.UndefinedTable as error:
                raise SourceError(
                    "the source has no table strangler_marker: run"
                    f" `{command('init', self._stream, '--apply')}`",
                    temporary=False,
                ) from error

    def _read(self, relation: Relation, statement: Callable[[Plan], sql.Composed]) -> Chunk:
        with self._snapshot(relation) as (session, cursor, snapshot, plan):
            query = statement(plan).as_bytes(session)
            self._as_it_is(session)
            rows = cursor.execute(query).fetchall()
        return Chunk(relation, rows, Snapshot(snapshot).contains)

    @contextmanager
    def _snapshot(
        self, relation: Relation
    ) -> Iterator[tuple[catalog.Connection, psycopg.Cursor[TupleRow], str, Plan]]:
        """A transaction that sees one moment, which it tells."""
        with failures(f"reading {relation.table}"), self._transaction(read_only=True) as session:
            snapshot, plan = self._plan(session, relation)
            assert self._reading is not None
            yield session, self._reading, snapshot, plan

    def _as_it_is(self, session: catalog.Connection) -> None:
        """For the rest of a transaction, text of a database without an encoding comes as it is.

        Statements must be bytes by then: the driver would write them in ASCII.
        """
        if unencoded(session):
            session.execute(_AS_IT_IS)

    def _plan(self, session: catalog.Connection, relation: Relation) -> tuple[str, Plan]:
        """The snapshot of the transaction, and how to read the table under it.

        Looked at each time, as the table may have been altered or replaced since the last chunk.
        """
        row = session.execute(_NOW, (relation.schema, relation.name)).fetchone()
        shape = [(column.name, column.type) for column in relation.columns]
        if row is None or list(zip(row[3], row[4], strict=True)) != shape:
            raise SourceError(
                f"the table {relation.table} was altered while it was read", temporary=True
            )
        order = self._orders.get(relation)
        if order is None:
            order = _order(relation, catalog.unique_indexes(session, row[1]))
            self._orders = {relation: order}
        return row[0], Plan(relation, order, row[2])


def _order(relation: Relation, indexes: Sequence[catalog.Unique]) -> tuple[int, ...]:
    """The key's columns in the order of an index over them, so that no chunk has to sort."""
    key = {relation.columns[index].name: index for index in relation.key}
    fitting = (index.columns for index in indexes if set(index.columns) == key.keys())
    return tuple(key[name] for name in next(fitting, tuple(key)))


def _some(
    cursor: psycopg.Cursor[TupleRow], query: bytes, relation: Relation, most: int
) -> tuple[list[Row], bool]:
    """As much of an answer as `most` bytes allow; the rest of it is cancelled."""
    rows = cast("Generator[TupleRow, None, None]", cursor.stream(query, size=_PIECE))
    with closing(rows):
        return taken(rows, relation, most)
