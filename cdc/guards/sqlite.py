"""SQLite: triggers that are there only while the guard is closed.

Sessions have no settings here. What tells the applier from others is a function that only its
connection has: the triggers call it, and every other writer fails at a function whose name says
why. Definitions are transactional, and writers come one at a time, so closing waits for the one
that is inside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, text

from cdc.guards import GuardError, State

FUNCTION = "not_written_here_the_other_side_owns_this_table"
"""Known to the applier's connections only."""
_EVENTS = ("INSERT", "UPDATE", "DELETE")
_FLAGS = "CREATE TABLE IF NOT EXISTS strangler_guard (stream TEXT PRIMARY KEY, closed INTEGER)"


class SqliteGuard:
    """See `cdc.guards.Guard`."""

    def __init__(self, stream: str, tables: Sequence[str]) -> None:
        self._stream, self._tables = stream, list(tables)
        self._digest = hashlib.blake2b(stream.encode(), digest_size=4).hexdigest()

    def install(self, connection: Connection) -> None:
        """Note that it is wanted, open."""
        connection.exec_driver_sql(_FLAGS)
        query = "INSERT INTO strangler_guard VALUES (:stream, 0) ON CONFLICT DO NOTHING"
        connection.execute(text(query), self._name())

    def remove(self, connection: Connection) -> None:
        """Take it off every table."""
        self._drop(connection)
        if self._has_flags(connection):
            connection.execute(
                text("DELETE FROM strangler_guard WHERE stream = :stream"), self._name()
            )

    def close(self, connection: Connection) -> None:
        """Refuse writers from the commit on."""
        self._note(connection, closed=True)
        for table, event, trigger in self._wanted():
            connection.exec_driver_sql(
                f"CREATE TRIGGER IF NOT EXISTS {trigger} BEFORE {event} ON {_quoted(table)}"
                f" BEGIN SELECT {FUNCTION}(); END"
            )

    def open(self, connection: Connection) -> None:
        """Let everybody write."""
        self._note(connection, closed=False)
        self._drop(connection)

    def state(self, connection: Connection) -> State:
        """What it does now."""
        if not self._has_flags(connection):
            return State.MISSING
        query = text("SELECT closed FROM strangler_guard WHERE stream = :stream")
        closed = connection.execute(query, self._name()).scalar()
        if closed is None:
            return State.MISSING
        return State.CLOSED if closed else State.OPEN

    def _note(self, connection: Connection, *, closed: bool) -> None:
        if self.state(connection) is State.MISSING:
            raise GuardError(f"the guard of {self._stream} is not installed")
        query = text("UPDATE strangler_guard SET closed = :closed WHERE stream = :stream")
        connection.execute(query, {"closed": int(closed), **self._name()})

    def _drop(self, connection: Connection) -> None:
        for _, _, trigger in self._wanted():
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {trigger}")

    def _wanted(self) -> list[tuple[str, str, str]]:
        return [
            (table, event, f"strangler_guard_{self._digest}_{number}_{event.lower()}")
            for number, table in enumerate(self._tables)
            for event in _EVENTS
        ]

    def _has_flags(self, connection: Connection) -> bool:
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'strangler_guard'"
        return connection.exec_driver_sql(query).first() is not None

    def _name(self) -> dict[str, str]:
        return {"stream": self._stream}


def _quoted(table: str) -> str:
    return '"' + table.replace('"', '""') + '"'
