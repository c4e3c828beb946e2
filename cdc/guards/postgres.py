"""PostgreSQL: one trigger a table for whole statements, enabled and disabled in one transaction.

`ALTER TABLE … ENABLE TRIGGER` takes a SHARE ROW EXCLUSIVE lock, which waits for every transaction
that has written to the table, and holds new ones off until the commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from cdc.guards import GuardError, State

WAIT = "5s"
"""How long writers inside are waited for."""
_FUNCTION = """
CREATE OR REPLACE FUNCTION strangler_guard() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF coalesce(current_setting('strangler.applier', true), '') = '' THEN
        RAISE EXCEPTION '%% is not written here: the data of stream %% is owned by the other side',
            TG_TABLE_NAME, TG_ARGV[0]
            USING ERRCODE = 'read_only_sql_transaction',
                  HINT = 'Write through the gateway, which knows the owner.';
    END IF;
    RETURN NULL;
END $guard$
"""
_STATE = """
SELECT tgenabled::text FROM pg_trigger WHERE tgrelid = to_regclass(:table) AND tgname = :trigger
"""


class PostgresGuard:
    """See `cdc.guards.Guard`."""

    def __init__(self, stream: str, tables: Sequence[str]) -> None:
        self._stream, self._tables = stream, [_quoted(table) for table in tables]
        # Two streams may share a table: each has its own guard on it.
        digest = hashlib.blake2b(stream.encode(), digest_size=4).hexdigest()
        self._trigger = f"strangler_guard_{digest}"

    def install(self, connection: Connection) -> None:
        """Put it on every table, open."""
        connection.exec_driver_sql(_FUNCTION)
        stream = "'" + self._stream.replace("'", "''") + "'"
        for table in self._tables:
            if self._enabled(connection, table) is None:
                connection.exec_driver_sql(
                    f"CREATE TRIGGER {self._trigger}"
                    f" BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
                    f" FOR EACH STATEMENT EXECUTE FUNCTION strangler_guard({stream})"
                )
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER {self._trigger}")

    def remove(self, connection: Connection) -> None:
        """Take it off every table; the function stays while another guard uses it."""
        for table in self._tables:
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {self._trigger} ON {table}")
        used = "SELECT 1 FROM pg_trigger WHERE tgname LIKE 'strangler\\_guard\\_%%' LIMIT 1"
        if connection.exec_driver_sql(used).first() is None:
            connection.exec_driver_sql("DROP FUNCTION IF EXISTS strangler_guard()")

    def close(self, connection: Connection) -> None:
        """Refuse writers from the commit on; those inside are waited for."""
        self._switch(connection, "ENABLE")

    def open(self, connection: Connection) -> None:
        """Let everybody write."""
        self._switch(connection, "DISABLE")

    def state(self, connection: Connection) -> State:
        """What it does now; anything but closed everywhere is no closed guard."""
        enabled = [self._enabled(connection, table) for table in self._tables]
        if None in enabled:
            return State.MISSING
        return State.CLOSED if all(enabled) else State.OPEN

    def _switch(self, connection: Connection, verb: str) -> None:
        if self.state(connection) is State.MISSING:
            raise GuardError(f"the guard of {self._stream} is not installed on all of its tables")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT}'")
        try:
            for table in sorted(self._tables):
                connection.exec_driver_sql(f"ALTER TABLE {table} {verb} TRIGGER {self._trigger}")
        except OperationalError as error:
            raise GuardError(
                f"a writer has held {self._stream}'s tables for more than {WAIT}:"
                " look into pg_stat_activity for a long transaction, end it, try again"
            ) from error

    def _enabled(self, connection: Connection, table: str) -> bool | None:
        given = {"table": table, "trigger": self._trigger}
        found = connection.execute(text(_STATE), given).scalar()
        return None if found is None else found != "D"


def _quoted(table: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split("."))
