# ruff: noqa: S608 - names are quoted, values are parameters
"""MariaDB and MySQL: triggers that ask a flag, which is switched like a row.

A trigger reads the flag with a shared lock that its transaction keeps. Closing writes the flag and
so waits for every transaction that has written to one of the tables; and a transaction with an old
snapshot still reads the flag as it is now, because a locking read does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from cdc.guards import GuardError, State

WAIT = 5
"""Seconds that writers inside are waited for."""
_EVENTS = ("INSERT", "UPDATE", "DELETE")
_FLAGS = """CREATE TABLE IF NOT EXISTS strangler_guard (
    stream VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY,
    closed TINYINT NOT NULL) ENGINE=InnoDB"""


class MysqlGuard:
    """See `cdc.guards.Guard`. A TRUNCATE fires no trigger here: it needs the right to DROP."""

    def __init__(self, stream: str, tables: Sequence[str]) -> None:
        self._stream, self._tables = stream, list(tables)
        self._digest = hashlib.blake2b(stream.encode(), digest_size=4).hexdigest()

    def install(self, connection: Connection) -> None:
        """Put it on every table, open. Definitions commit by themselves in this database."""
        connection.exec_driver_sql(_FLAGS)
        connection.execute(
            text("INSERT IGNORE INTO strangler_guard VALUES (:stream, 0)"), self._name()
        )
        there = self._triggers(connection)
        stream = "'" + self._stream.replace("\\", "\\\\").replace("'", "''") + "'"
        for table, event, trigger in self._wanted():
            if trigger not in there:
                connection.exec_driver_sql(
                    f"CREATE TRIGGER {trigger} BEFORE {event} ON {_quoted(table)} FOR EACH ROW"
                    " BEGIN DECLARE shut TINYINT DEFAULT 0; IF @strangler_applier IS NULL THEN"
                    f" SELECT closed INTO shut FROM strangler_guard WHERE stream = {stream}"
                    " LOCK IN SHARE MODE; IF shut THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT ="
                    " 'not written here: the other side owns this table'; END IF; END IF; END"
                )

    def remove(self, connection: Connection) -> None:
        """Take it off every table."""
        for _, _, trigger in self._wanted():
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {trigger}")
        if self._has_flags(connection):
            connection.execute(
                text("DELETE FROM strangler_guard WHERE stream = :stream"), self._name()
            )

    def close(self, connection: Connection) -> None:
        """Refuse writers; those inside are waited for."""
        self._switch(connection, closed=True)

    def open(self, connection: Connection) -> None:
        """Let everybody write."""
        self._switch(connection, closed=False)

    def state(self, connection: Connection) -> State:
        """What it does now."""
        wanted = {trigger for _, _, trigger in self._wanted()}
        if not self._has_flags(connection) or not wanted <= self._triggers(connection):
            return State.MISSING
        query = text("SELECT closed FROM strangler_guard WHERE stream = :stream")
        closed = connection.execute(query, self._name()).scalar()
        if closed is None:
            return State.MISSING
        return State.CLOSED if closed else State.OPEN

    def _switch(self, connection: Connection, *, closed: bool) -> None:
        if self.state(connection) is State.MISSING:
            raise GuardError(f"the guard of {self._stream} is not installed on all of its tables")
        connection.exec_driver_sql(f"SET SESSION innodb_lock_wait_timeout = {WAIT}")
        query = text("UPDATE strangler_guard SET closed = :closed WHERE stream = :stream")
        try:
            connection.execute(query, {"closed": int(closed), **self._name()})
        except OperationalError as error:
            raise GuardError(
                f"a writer has held {self._stream}'s tables for more than {WAIT} s:"
                " look into SHOW ENGINE INNODB STATUS for a long transaction, end it, try again"
            ) from error

    def _wanted(self) -> list[tuple[str, str, str]]:
        """Table, event and name of each trigger."""
        return [
            (table, event, f"strangler_guard_{self._digest}_{number}_{event.lower()}")
            for number, table in enumerate(self._tables)
            for event in _EVENTS
        ]

    def _triggers(self, connection: Connection) -> set[str]:
        query = "SELECT trigger_name FROM information_schema.triggers"
        query += " WHERE trigger_schema = DATABASE()"
        return set(connection.exec_driver_sql(query).scalars())

    def _has_flags(self, connection: Connection) -> bool:
        query = "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE()"
        query += " AND table_name = 'strangler_guard'"
        return connection.exec_driver_sql(query).first() is not None

    def _name(self) -> dict[str, str]:
        return {"stream": self._stream}


def _quoted(table: str) -> str:
    return ".".join("`" + part.replace("`", "``") + "`" for part in table.split("."))
