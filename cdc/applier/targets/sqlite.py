# ruff: noqa: S608 - identifiers are quoted by `_quote`, values are parameters
"""SQLite as a target: for development, and for services that are small.

Foreign keys are not checked in the applier's session (SQLite's own default). A transaction begins
as a writer, so that two appliers queue up instead of finding each other in the middle.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

from cdc.applier.ports import (
    Form,
    MissingRowError,
    Row,
    Stopped,
    TargetColumn,
    TargetTable,
    Verdict,
)
from cdc.applier.targets.shared import key_missing, partial_missing, unfit
from cdc.applier.targets.values import UnfitError, parameters
from cdc.guards.sqlite import FUNCTION
from cdc.label import label_session

BUSY: Final = 10.0
"""Seconds to wait for another writer."""

_CONFLICT: Final = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
}
_REFUSED: Final = {sqlite3.SQLITE_CONSTRAINT_TRIGGER, sqlite3.SQLITE_READONLY}
_FORMS: Final = (
    ("BLOB", Form.BYTES), ("BINARY", Form.BYTES), ("DATE", Form.MOMENT), ("TIME", Form.MOMENT),
    ("INT", Form.NUMBER), ("BOOL", Form.NUMBER), ("REAL", Form.REAL), ("NUM", Form.NUMBER),
    ("DEC", Form.NUMBER), ("FLOA", Form.REAL), ("DOUB", Form.REAL),
)  # fmt: skip


class SqliteTarget:
    """Writes one stream's rows into an SQLite file."""

    def __init__(self, url: str, stream: str) -> None:
        self._stream = stream
        parsed = make_url(url).set(drivername="sqlite+pysqlite")
        self.engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": BUSY})
        event.listen(self.engine, "connect", _leave_transactions_alone)
        event.listen(self.engine, "begin", self._begin_as_a_writer)

    def _begin_as_a_writer(self, connection: Connection) -> None:
        """With a label on what it writes: the file may have got a log since the last time."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        label_session(_raw(connection), self._stream)

    def prepare(self, connection: Connection) -> None:
        """What a closed guard asks for: a function that only the applier's session has."""
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.create_function(FUNCTION, 0, lambda: 0)

    def begin(self, connection: Connection) -> None:
        """Nothing: SQLite has no settings that a trigger could see."""

    def describe(self, connection: Connection, table: str) -> TargetTable:
        """The table from SQLite's pragmas."""
        columns = _all(connection, "SELECT * FROM pragma_table_xinfo(?)", table)
        if not columns:
            raise Stopped(f"the target has no table {table}: create it, then start the applier")
        primary = tuple(c[1] for c in sorted(columns, key=lambda c: int(c[5])) if c[5])
        indexes = _all(
            connection,
            'SELECT name FROM pragma_index_list(?) WHERE "unique" AND NOT partial',
            table,
        )
        keys = {
            frozenset(c[0] for c in _all(connection, "SELECT name FROM pragma_index_info(?)", name))
            for (name,) in indexes
        }
        parents = _all(connection, 'SELECT "table" FROM pragma_foreign_key_list(?)', table)
        return TargetTable(
            name=table,
            identity=table.lower(),
            columns={column[1]: _column(column) for column in columns},
            primary=primary,
            unique=frozenset(keys | ({frozenset(primary)} if primary else set())),
            parents=frozenset(str(row[0]).lower() for row in parents),
        )

    def delete(
        self, connection: Connection, table: TargetTable, key: Sequence[str], rows: Sequence[Row]
    ) -> None:
        """A prepared statement, row by row: SQLite is in this process."""
        if missing := key_missing(table, key):
            raise Stopped(missing)
        statement = f"DELETE FROM {_quote(table.name)} WHERE {_assign(key, ' AND ')}"
        _raw(connection).executemany(statement, parameters(table, key, rows))

    def upsert(
        self, connection: Connection, table: TargetTable, key: Sequence[str],
        columns: Sequence[str], rows: Sequence[Row],
    ) -> None:  # fmt: skip
        """Likewise; other unique keys still refuse."""
        if missing := key_missing(table, key):
            raise Stopped(missing)
        statement = _upsert(table.name, tuple(key), tuple(columns))
        _raw(connection).executemany(statement, parameters(table, columns, rows))

    def update(
        self, connection: Connection, table: TargetTable, key: Sequence[str],
        columns: Sequence[str], rows: Sequence[Row],
    ) -> None:  # fmt: skip
        """Likewise, and a look whether each was there."""
        settable = [name for name in columns if name not in key] or list(key)
        statement = (
            f"UPDATE {_quote(table.name)} SET {_assign(settable, ', ')} "
            f"WHERE {_assign(key, ' AND ')}"
        )
        for values in parameters(table, [*settable, *key], rows):
            if not _raw(connection).execute(statement, values).rowcount:
                raise MissingRowError(table.name)

    def clear(self, connection: Connection, table: TargetTable) -> None:
        """DELETE, which SQLite makes fast."""
        _raw(connection).execute(f"DELETE FROM {_quote(table.name)}")

    def settle(self, connection: Connection) -> None:
        """Nothing: unique keys are checked at once, foreign keys not at all."""

    def judge(self, error: Exception) -> Verdict:
        """By SQLite's extended code."""
        origin = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(origin, MissingRowError | UnfitError | OverflowError):
            return Verdict.UNFIT
        code = getattr(origin, "sqlite_errorcode", 0)
        if code in _CONFLICT:
            return Verdict.CONFLICT
        if code in _REFUSED:
            return Verdict.REFUSED
        if isinstance(origin, sqlite3.IntegrityError | sqlite3.DataError):
            return Verdict.UNFIT
        return Verdict.SHAPE if code == sqlite3.SQLITE_ERROR else Verdict.TEMPORARY

    def explain(
        self,
        connection: Connection,  # noqa: ARG002 - others ask the database
        table: TargetTable,
        row: Row,
        error: Exception,
    ) -> str:
        """SQLite names columns and constraints, never values."""
        origin = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(origin, MissingRowError):
            return partial_missing(table)
        if isinstance(origin, UnfitError):
            return str(origin)
        if isinstance(origin, OverflowError):
            name = next(name for name, value in row.items() if _overflows(value))
            return unfit(table, table.columns[name], row[name])
        return f"{table.name}: {origin}"


def _overflows(value: Any) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _leave_transactions_alone(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = None
    raw.execute("PRAGMA foreign_keys = OFF")


@lru_cache(maxsize=1024)
def _upsert(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    settable = [name for name in columns if name not in key]
    action = ", ".join(f"{_quote(name)} = excluded.{_quote(name)}" for name in settable)
    return (
        f"INSERT INTO {_quote(table)} ({', '.join(map(_quote, columns))}) "
        f"VALUES ({', '.join('?' * len(columns))}) ON CONFLICT ({', '.join(map(_quote, key))}) "
        + (f"DO UPDATE SET {action}" if settable else "DO NOTHING")
    )


def _assign(columns: Iterable[str], between: str) -> str:
    return between.join(f"{_quote(name)} = ?" for name in columns)


def _column(row: Sequence[Any]) -> TargetColumn:
    _, name, type_, not_null, default, _, hidden = row
    form = next((form for part, form in _FORMS if part in type_.upper()), Form.TEXT)
    return TargetColumn(
        name, type_, form, not not_null, has_default=default is not None, generated=hidden in {2, 3}
    )


def _quote(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _all(connection: Connection, query: str, value: str) -> list[tuple[Any, ...]]:
    return _raw(connection).execute(query, (value,)).fetchall()


def _raw(connection: Connection) -> sqlite3.Connection:
    """The driver's connection below SQLAlchemy's, in the same transaction."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw
