"""Ordinary sessions on PostgreSQL: markers, and the rows of snapshots, repairs and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from cdc.change import Relation, Row
from cdc.config.model import Stream
from cdc.relay.ports import Chunk, SourceError
from cdc.sources.postgres import catalog
from cdc.sources.postgres.copytext import rows_of
from cdc.sources.postgres.session import connect
from cdc.sources.postgres.visibility import Snapshot

_MARK = """
INSERT INTO strangler_marker AS m (stream, kind, seq, body, written_at)
SELECT %(stream)s, %(kind)s, coalesce(max(seq), 0) + 1, %(body)s, now()
FROM strangler_marker WHERE stream = %(stream)s
ON CONFLICT (stream, kind) DO UPDATE
SET seq = excluded.seq, body = excluded.body, written_at = excluded.written_at
RETURNING seq
"""
_SMALL = 10_000
"""Pages' worth of guesswork ends here: smaller tables are counted."""


class PostgresControl:
    """See `cdc.relay.ports.SourceControl`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._session = connect(stream.source)

    def mark(self, stream: str, kind: str, body: str) -> int:
        """Write a marker; the order of `seq` is the order of the commits."""
        given = {"stream": stream, "kind": kind, "body": body}
        with _failures(), self._session.transaction():
            # Taken until the commit, so that no greater number can commit earlier. A lock of the
            # name, not of a row: the first marker of a stream has no row yet.
            self._session.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('strangler_marker ' || %s, 0))",
                (stream,),
            )
            row = self._session.execute(_MARK, given).fetchone()
        assert row is not None
        return int(row[0])

    def relation(self, table: str, key: Sequence[str] = ()) -> Relation:
        """The table as it is now."""
        with _failures():
            return catalog.relation(self._session, table, key)

    def chunk(
        self, relation: Relation, after: Row | None, limit: int, where: str | None = None
    ) -> Chunk:
        """Rows in the order of the key, and the snapshot they were read under."""
        conditions: list[sql.Composable] = []
        if after is not None:
            conditions.append(
                sql.SQL("({}) > ({})").format(_key(relation), _literals(relation, after))
            )
        if where:
            # An operator's own condition, in the source's SQL, by an operator's own command.
            conditions.append(sql.SQL("(") + sql.SQL(where) + sql.SQL(")"))
        order = sql.SQL(" ORDER BY {} LIMIT {}").format(_key(relation), sql.Literal(limit))
        return self._read(relation, conditions, order)

    def rows(self, relation: Relation, keys: Sequence[Row]) -> Chunk:
        """The rows of these keys that exist."""
        listed = sql.SQL(", ").join(
            sql.SQL("({})").format(_literals(relation, key)) for key in keys
        )
        condition = sql.SQL("({}) IN ({})").format(_key(relation), listed)
        return self._read(relation, [condition], sql.SQL(""))

    def estimate(self, relation: Relation) -> int:
        """From the planner's statistics; counted where the table is small or was never analysed."""
        query = (
            "SELECT coalesce(sum(c.reltuples), -1)::bigint, bool_or(c.reltuples < 0)"
            " FROM pg_partition_tree(%s::regclass) t JOIN pg_class c ON c.oid = t.relid"
            " WHERE t.isleaf"
        )
        with _failures():
            found = catalog.find(self._session, relation.table)
            oid = found[0] if found else 0
            row = self._session.execute(query, (oid,)).fetchone()
            guess, unknown = row or (-1, True)
            if unknown or guess < _SMALL:
                count = sql.SQL("SELECT count(*) FROM {}").format(_table(relation))
                row = self._session.execute(count).fetchone()
                return int(row[0]) if row else 0
            return int(guess)

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def _read(
        self, relation: Relation, conditions: Sequence[sql.Composable], order: sql.Composable
    ) -> Chunk:
        where = sql.SQL(" AND ").join([sql.SQL("true"), *conditions])
        columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in relation.columns)
        query = sql.SQL("COPY (SELECT {} FROM {} WHERE {}{}) TO STDOUT").format(
            columns, _table(relation), where, order
        )
        with _failures(), self._session.transaction():
            cursor = self._session.cursor()
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot = cursor.execute("SELECT pg_current_snapshot()::text").fetchone()
            assert snapshot is not None
            with cursor.copy(query) as copy:
                data = b"".join(copy)
        return Chunk(relation, rows_of(relation, data), Snapshot(str(snapshot[0])).contains)


def _table(relation: Relation) -> sql.Identifier:
    return sql.Identifier(relation.schema, relation.name)


def _key(relation: Relation) -> sql.Composable:
    return sql.SQL(", ").join(
        sql.Identifier(relation.columns[index].name) for index in relation.key
    )


def _literals(relation: Relation, key: Row) -> sql.Composable:
    """Key values as literals of their columns' types, so that the key's index serves.

    Literals, not parameters: COPY takes none.
    """
    columns = [relation.columns[index] for index in relation.key]
    return sql.SQL(", ").join(
        sql.SQL("{}::{}").format(sql.Literal(_text(value)), sql.SQL(column.type))
        for column, value in zip(columns, key, strict=True)
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


class _failures:  # noqa: N801 - reads as a verb at its uses
    """Turns psycopg's errors into `SourceError`: what heals by a new session is temporary."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, psycopg.Error):
            for_good = isinstance(error, (psycopg.ProgrammingError, psycopg.DataError))
            raise SourceError(f"PostgreSQL: {error}", temporary=not for_good) from error
