"""One small adapter for each database, so that the same tests ask all sources the same."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import psycopg
from psycopg import sql as pg_sql
from support.streams import a_stream

from cdc.sources import open_control, open_preflight, open_source

DIALECTS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgresql15": "postgresql",
    "postgresql16": "postgresql",
    "mariadb": "mysql",
}
"""The databases by the name they have in tests, and what they speak."""


class Database:
    """An empty database that is gone after the test."""

    dialect = ""
    interleaves = True
    """Whether two sessions can have written and not committed at the same time."""
    groups = False
    """Whether transactions that committed close to one another may go out as one."""
    keeps_log = True
    """Whether the database keeps its log for the stream, and not for a time."""
    keeps_before = True
    """Whether `before` has all columns."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self._close = []

    def stream(self, *tables: str, name: str = "suite", **more):
        """A stream of these tables, whose source has been set up."""
        stream = a_stream(self.url, *tables, name=name, **more)
        setup = open_preflight(stream)
        self._close.append(lambda: _undo(setup))
        setup.apply()
        return stream

    def source(self, stream):
        source = open_source(stream, self.folder)
        self._close.append(source.close)
        return source

    def control(self, stream):
        control = open_control(stream)
        self._close.append(control.close)
        return control

    def session(self):
        """A session in autocommit mode, to be used with `BEGIN` and `COMMIT`."""
        session = self._connect()
        self._close.append(session.close)
        return session

    def execute(self, *statements: str) -> None:
        """Each statement in a transaction of its own."""
        session = self.session()
        for statement in statements:
            session.execute(statement)

    def change_shape(self, stream, statement: str) -> None:
        """ALTER TABLE, with what the database needs afterwards."""
        self.execute(statement)

    def write_log_out(self) -> None:
        """Hurry what the database does now and then, before it lets its log go."""

    def lose_log(self, stream) -> None:
        """Have the database forget the log that a stream has not read."""
        raise NotImplementedError

    def close(self) -> None:
        for close in reversed(self._close):
            close()


def _undo(setup) -> None:
    try:
        setup.undo()
    finally:
        setup.close()


class Session:
    """`execute`, `rows` and `close` over a driver's connection."""

    def __init__(self, connection) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters=None) -> None:
        cursor = self._connection.cursor()
        cursor.execute(statement, parameters) if parameters else cursor.execute(statement)
        cursor.close()

    def rows(self, query: str) -> list[tuple]:
        cursor = self._connection.cursor()
        cursor.execute(query)
        found = [tuple(row) for row in cursor.fetchall()]
        cursor.close()
        return found

    def close(self) -> None:
        self._connection.close()


class SqliteDatabase(Database):
    dialect = "sqlite"
    interleaves = False
    groups = True

    def _connect(self) -> Session:
        path = self.url.removeprefix("sqlite:///")
        return Session(sqlite3.connect(path, isolation_level=None, check_same_thread=False))

    def change_shape(self, stream, statement: str) -> None:
        self.execute(statement)
        setup = open_preflight(stream)
        setup.apply()
        setup.close()

    def lose_log(self, stream) -> None:
        self.execute("DELETE FROM strangler_changes")


class PostgresDatabase(Database):
    dialect = "postgresql"
    keeps_before = False

    def _connect(self) -> Session:
        return Session(psycopg.connect(self.url, autocommit=True))

    def write_log_out(self) -> None:
        self.execute("CHECKPOINT")

    def lose_log(self, stream) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            slots = connection.execute(
                "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()"
            ).fetchall()
            for (slot,) in slots:
                connection.execute(
                    pg_sql.SQL("SELECT pg_drop_replication_slot({})").format(pg_sql.Literal(slot))
                )


class MariadbDatabase(Database):
    dialect = "mysql"
    keeps_log = False

    def __init__(self, url: str, folder: Path, connect) -> None:
        super().__init__(url, folder)
        self._driver = connect

    def _connect(self) -> Session:
        session = Session(self._driver())
        session.execute("SET SESSION sql_mode = 'ANSI_QUOTES', time_zone = '+00:00'")
        return session

    def lose_log(self, stream) -> None:
        session = self.session()
        for _ in range(2):
            session.execute("FLUSH BINARY LOGS")
        newest = session.rows("SHOW BINARY LOGS")[-1][0]
        deadline = time.monotonic() + 30  # a reader that has just gone still holds its file
        while len(session.rows("SHOW BINARY LOGS")) > 1:
            assert time.monotonic() < deadline
            session.execute(f"PURGE BINARY LOGS TO '{newest}'")
            time.sleep(0.05)
