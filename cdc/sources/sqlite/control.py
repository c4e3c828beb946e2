"""Ordinary sessions on a SQLite file: markers, and tables in chunks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from cdc.bounded import taken
from cdc.change import Relation, Row
from cdc.config.model import Stream
from cdc.relay.ports import Chunk, SourceError
from cdc.sources.sqlite.connect import connect, file_of, translated, writing
from cdc.sources.sqlite.shape import Shape, find, quoted
from cdc.sources.sqlite.values import reader, to_raw

_MARK = (
    "INSERT INTO strangler_marker (stream, kind, seq, body, written_at)"
    " VALUES (?, ?, ?, ?, strftime('%Y-%m-%d %H:%M:%f+00', 'now'))"
    " ON CONFLICT (stream, kind) DO UPDATE SET"
    " seq = excluded.seq, body = excluded.body, written_at = excluded.written_at"
)
_NEWEST = "SELECT coalesce(max(seq), 0) FROM strangler_marker WHERE stream = ?"


class SqliteControl:
    """`cdc.relay.ports.SourceControl` for a SQLite file.

    A reader of SQLite sees whole commits in the order of the log, so no chunk needs `visible`.
    """

    def __init__(self, stream: Stream) -> None:
        self._path = file_of(stream.source)
        self._connection: sqlite3.Connection | None = None
        self._shapes: dict[Relation, Shape] = {}

    def mark(self, stream: str, kind: str, body: str, after: int = 0) -> int:
        """Write a marker under the write lock, so that `seq` is the order of commits."""
        connection = self._connected()
        with translated(self._path), writing(connection):
            seq = max(after, int(connection.execute(_NEWEST, (stream,)).fetchone()[0])) + 1
            connection.execute(_MARK, (stream, kind, seq, body))
        return seq

    def newest_marker(self, stream: str) -> int:
        """The greatest `seq`: what is in the log of a SQLite file can be seen."""
        with translated(self._path):
            return int(self._connected().execute(_NEWEST, (stream,)).fetchone()[0])

    def relation(self, table: str, key: Sequence[str] = ()) -> Relation:
        """The table as it is now."""
        with translated(self._path):
            shape = find(self._connected(), table).shape
        for relation, known in self._shapes.items():
            same_key = {relation.columns[index].name for index in relation.key} == set(
                key or shape.primary_key
            )
            if relation.table == table and known == shape and same_key:
                return relation
        relation = shape.relation(table, key)
        self._shapes[relation] = shape
        return relation

    def chunk(
        self, relation: Relation, after: Row | None, limit: int, where: str | None = None,
        most: int | None = None,
    ) -> Chunk:  # fmt: skip
        """Rows in the order of the key: that of the primary key's index where it is the key."""
        order = self._order(relation)
        names = ", ".join(quoted(relation.columns[index].name) for index in order)
        conditions = [f"({where})"] if where else []
        parameters: list[object] = []
        if after is not None:
            given = dict(zip(relation.key, after, strict=True))
            conditions.append(f"({names}) > ({', '.join('?' * len(order))})")
            parameters = [to_raw(relation.columns[i].kind, given[i]) for i in order]
        condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        sql = f"{_select(relation)}{condition} ORDER BY {names} LIMIT ?"
        with self._snapshot(relation):
            return self._rows(relation, sql, [*parameters, limit], most)

    def rows(self, relation: Relation, keys: Sequence[Row]) -> Chunk:
        """The rows with these keys, one look-up each, in one snapshot."""
        columns = [relation.columns[index] for index in relation.key]
        same = " AND ".join(f"{quoted(column.name)} = ?" for column in columns)
        sql = f"{_select(relation)} WHERE {same}"
        found: list[Row] = []
        with self._snapshot(relation):
            for key in keys:
                values = [to_raw(c.kind, v) for c, v in zip(columns, key, strict=True)]
                found += self._rows(relation, sql, values).rows
        return Chunk(relation, found, None)

    def unlogged(self, relation: Relation) -> frozenset[str]:  # noqa: ARG002 - of any table
        """None: triggers are made under the write lock, when nobody else has written."""
        return frozenset()

    def estimate(self, relation: Relation) -> int:
        """The number of rows: SQLite counts an index's entries without reading the rows."""
        sql = f"SELECT count(*) FROM {quoted(relation.name)}"  # noqa: S608
        with translated(self._path):
            return int(self._connected().execute(sql).fetchone()[0])

    def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path)
        return self._connection

    @contextmanager
    def _snapshot(self, relation: Relation) -> Iterator[None]:
        """One view of the file, under which the table has the relation's shape.

        Raises a temporary `SourceError` where it was altered since: to be looked at again.
        """
        connection = self._connected()
        with translated(self._path):
            connection.execute("BEGIN")
            try:
                if find(connection, relation.table).shape != self._shapes[relation]:
                    raise SourceError(
                        f"table {relation.table} was altered while it was read", temporary=True
                    )
                yield
            finally:
                connection.execute("ROLLBACK")

    def _order(self, relation: Relation) -> Sequence[int]:
        shape = self._shapes[relation]
        places = {column.name: index for index, column in enumerate(relation.columns)}
        primary = [places[name] for name in shape.primary_key]
        return primary if set(primary) == set(relation.key) else relation.key

    def _rows(
        self, relation: Relation, sql: str, parameters: Sequence[object], most: int | None = None
    ) -> Chunk:
        readers = [reader(column.kind) for column in relation.columns]
        with translated(self._path), closing(self._connected().execute(sql, parameters)) as rows:
            converted = (
                tuple([read(raw) for read, raw in zip(readers, row, strict=True)]) for row in rows
            )
            if most is None:
                return Chunk(relation, list(converted), None)
            found, cut = taken(converted, relation, most)
            return Chunk(relation, found, None, cut)


def _select(relation: Relation) -> str:
    columns = ", ".join(quoted(column.name) for column in relation.columns)
    return f"SELECT {columns} FROM {quoted(relation.name)}"  # noqa: S608
