"""Ordinary sessions on a MariaDB or MySQL server: `MysqlControl`.

Chunks of a snapshot need no list of the transactions they contain (`Chunk.visible` is None): both
servers make commits visible in the order in which they stand in the binlog, and return from a
commit after that (MariaDB's `commit_ordered`; MySQL's `binlog_order_commits`, which the preflight
wants ON). So whatever stands before a marker is visible to a statement that starts after the marker
was written. A chunk is one statement, which InnoDB runs on one consistent view.

The table may be altered between two chunks, or just before one. So it is looked at after each: rows
of another shape than the run began with are not passed on, and the run goes on with the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, TypeVar

import pymysql

from cdc.bounded import taken
from cdc.change import Relation, Row
from cdc.config.model import Stream
from cdc.relay.ports import Chunk, SourceError
from cdc.sources.mysql import select, sessions
from cdc.sources.mysql.select import Listed, Plan, UnreadableError
from cdc.sources.mysql.server import MARKER_TABLE, place
from cdc.sources.mysql.sessions import Session, rows

_T = TypeVar("_T")
_DEADLOCK, _CHANGED = 1213, 1020
_TRIES = 10

MARKER_DDL = f"""CREATE TABLE IF NOT EXISTS {MARKER_TABLE} (
    stream VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    kind VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    seq BIGINT NOT NULL,
    body LONGTEXT CHARACTER SET utf8mb4 NOT NULL,
    written_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (stream, kind)
) ENGINE=InnoDB"""


class MysqlControl:
    """See `cdc.relay.ports.SourceControl`. Connects at the first use, and again after a failure."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._database = sessions.database(stream.source)
        self._open: Session | None = None
        self._plans: dict[Relation, Plan] = {}

    def mark(self, stream: str, kind: str, body: str, after: int = 0) -> int:
        """Write a marker; its `seq`. Raises `SourceError`."""

        def mark(session: Session) -> int:
            return _mark(session, stream, kind, body, after)

        return self._do("writing a marker", lambda session: _again(session, mark))

    def newest_marker(self, stream: str) -> int:
        """The greatest `seq`. Raises `SourceError`.

        Under the lock of who writes one: with semi-synchronous replication a commit is in the
        binlog before anybody can see it.
        """

        def locked(session: Session) -> int:
            rows(session, "START TRANSACTION")
            seq = _newest(session, stream)
            rows(session, "COMMIT")
            return seq

        return self._do("looking for markers", lambda session: _again(session, locked))

    def relation(self, table: str, key: Sequence[str] = ()) -> Relation:
        """The table as it is now. Raises `SourceError`."""
        doing = f"reading the columns of {table}"
        listed = self._do(doing, lambda session: self._listed(session, table, key))
        schema, name = place(table, self._database)
        try:
            columns = tuple(select.column(one) for one in listed)
        except UnreadableError as error:
            raise SourceError(f"table {table}: {error}", temporary=False) from error
        relation = Relation(table, schema, name, columns)
        if not relation.key:
            raise SourceError(
                f"table {table} has no primary key: say which columns identify a row with `key:`"
                " in routes.yaml, or give it one",
                temporary=False,
            )
        self._plans = {relation: select.plan(relation, {one.name: one for one in listed})}
        return relation

    def chunk(
        self, relation: Relation, after: Row | None, limit: int, where: str | None = None,
        most: int | None = None,
    ) -> Chunk:  # fmt: skip
        """Rows in the order of the key. Raises `SourceError`."""
        plan = self._plan(relation)

        def sql(session: Session) -> str:
            return plan.chunk(after, limit, where, session.escape)

        return self._read(plan, sql, most)

    def rows(self, relation: Relation, keys: Sequence[Row]) -> Chunk:
        """The rows with these keys. Raises `SourceError`."""
        if not keys:
            return Chunk(relation, [], None)
        plan = self._plan(relation)
        return self._read(plan, lambda session: plan.rows(keys, session.escape))

    def unlogged(self, relation: Relation) -> frozenset[str]:  # noqa: ARG002 - of any table
        """None: the binlog has all tables, whoever reads it."""
        return frozenset()

    def estimate(self, relation: Relation) -> int:
        """About how many rows there are, from InnoDB's statistics."""
        sql = (
            "SELECT table_rows FROM information_schema.tables"
            " WHERE table_schema = %s AND table_name = %s"
        )
        values = (relation.schema, relation.name)
        found = self._do("estimating a table's rows", lambda session: rows(session, sql, values))
        return int(found[0][0] or 0) if found else 0

    def close(self) -> None:
        """End the session."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _read(self, plan: Plan, sql: Callable[[Session], str], most: int | None = None) -> Chunk:
        relation = plan.relation
        try:
            found, cut = self._do(
                f"reading rows of {relation.table}",
                lambda session: _found(session, plan, sql(session), most),
            )
        except Exception as error:
            if not isinstance(error, SourceError) or not error.temporary:
                self._still_as_it_was(relation)
            raise
        if cut:  # what is left of the answer goes with its session
            self.close()
        self._still_as_it_was(relation)
        return Chunk(relation, found, None, cut)

    def _still_as_it_was(self, relation: Relation) -> None:
        """Raise a temporary `SourceError` where the table has another shape than the relation."""
        key = [relation.columns[index].name for index in relation.key]
        listed = self._do(
            f"reading the columns of {relation.table}",
            lambda session: self._listed(session, relation.table, key),
        )
        if tuple(select.column(one) for one in listed) != relation.columns:
            raise SourceError(
                f"table {relation.table} was altered while it was read", temporary=True
            )

    def _plan(self, relation: Relation) -> Plan:
        """The plan of a relation; looked up again where it is another's."""
        plan = self._plans.get(relation)
        if plan is None:
            key = [relation.columns[index].name for index in relation.key]
            listed = self._do(
                f"reading the columns of {relation.table}",
                lambda session: self._listed(session, relation.table, key),
            )
            by_name = {one.name: one for one in listed}
            missing = [column.name for column in relation.columns if column.name not in by_name]
            if missing:
                raise SourceError(
                    f"table {relation.table} has changed: it has no column"
                    f" {', '.join(missing)} now",
                    temporary=True,
                )
            plan = self._plans[relation] = select.plan(relation, by_name)
        return plan

    def _listed(self, session: Session, table: str, key: Sequence[str]) -> list[Listed]:
        schema, name = place(table, self._database)
        found = rows(
            session,
            "SELECT column_name, data_type, column_type, character_set_name, column_key"
            " FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
            " ORDER BY ordinal_position",
            (schema, name),
        )
        if not found:
            raise SourceError(
                f"there is no table {schema}.{name} at the source, or this user may not see it",
                temporary=False,
            )
        names = {str(row[0]) for row in found}
        unknown = [column for column in key if column not in names]
        if unknown:
            raise SourceError(
                f"table {table} has no column {', '.join(unknown)}, which its `key:` names",
                temporary=False,
            )
        return [_column(row, key) for row in found]

    def _do(self, doing: str, action: Callable[[Session], _T]) -> _T:
        """Do it in the session; one in which anything failed is not used again."""
        with sessions.told(doing):
            if self._open is None:
                self._open = sessions.connect(self._stream.source)
            try:
                return action(self._open)
            except BaseException:
                self.close()
                raise


def _found(session: Session, plan: Plan, sql: str, most: int | None) -> tuple[list[Row], bool]:
    """The answer, or as much of it as `most` bytes allow, which comes row by row."""
    if most is None:
        return [plan.read(row) for row in rows(session, sql)], False
    with closing(sessions.each(session, sql)) as found:
        return taken(map(plan.read, found), plan.relation, most)


def _column(row: Sequence[Any], key: Sequence[str]) -> Listed:
    name, data_type, column_type, charset, column_key = row
    is_key = name in key if key else column_key == "PRI"
    return Listed(str(name), str(data_type), str(column_type), charset, is_key)


def _again(session: Session, action: Callable[[Session], int]) -> int:
    """Do it, again where two first markers of a stream have met in a deadlock."""
    for _ in range(_TRIES - 1):
        try:
            return action(session)
        except pymysql.err.OperationalError as error:
            if error.args[0] not in {_DEADLOCK, _CHANGED}:
                raise
            rows(session, "ROLLBACK")
    return action(session)


def _mark(session: Session, stream: str, kind: str, body: str, after: int) -> int:
    """One more than the greatest `seq` of the stream, and than `after`.

    All rows of the stream are locked, and the gap where its first would stand, until the commit:
    nobody else can take a number before this one is in the log.
    """
    rows(session, "START TRANSACTION")
    seq = max(after, _newest(session, stream)) + 1
    rows(
        session,
        f"INSERT INTO {MARKER_TABLE} (stream, kind, seq, body) VALUES (%s, %s, %s, %s)"  # noqa: S608
        " ON DUPLICATE KEY UPDATE seq = VALUES(seq), body = VALUES(body),"
        " written_at = CURRENT_TIMESTAMP(6)",
        (stream, kind, seq, body),
    )
    rows(session, "COMMIT")
    return seq


def _newest(session: Session, stream: str) -> int:
    """The greatest `seq` of a stream, whose markers are then locked until the transaction's end."""
    found = rows(
        session,
        f"SELECT COALESCE(MAX(seq), 0) FROM {MARKER_TABLE} WHERE stream = %s FOR UPDATE",  # noqa: S608
        (stream,),
    )
    return int(found[0][0])
