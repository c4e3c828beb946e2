# ruff: noqa: S608
"""An applier's label on the changes that it makes in a SQLite file."""

from __future__ import annotations

import sqlite3


def label_session(connection: sqlite3.Connection, stream: str) -> None:
    """Have all that this connection writes captured with the origin `strangler:STREAM`.

    To be called in each transaction of an applier before it writes: the file may have got a log
    since the last one. The label is a temporary trigger: no other connection has it, and it goes
    when the connection does. It must be on *every* connection, as a stretch of the log with the
    same origin may hold several transactions. Does nothing in a file without a log.
    """
    query = "SELECT 1 FROM main.sqlite_master WHERE name = 'strangler_changes'"
    if connection.execute(query).fetchone() is None:
        return
    origin = f"strangler:{stream}".replace("'", "''")
    connection.execute(  # a trigger takes no parameters
        "CREATE TEMP TRIGGER IF NOT EXISTS strangler_origin AFTER INSERT ON main.strangler_changes"
        f" BEGIN UPDATE strangler_changes SET origin = '{origin}' WHERE id = NEW.id; END"
    )
