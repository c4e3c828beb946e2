"""The change table as a log: where it begins and ends, where it is cut, and what may go.

Each function is one or two statements on a connection whose transaction is the caller's.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from cdc.change import Position
from cdc.config.model import Stream
from cdc.config.names import command
from cdc.relay.ports import SourceError
from cdc.sources.sqlite.preflight import width

RELEASE: Final = 20_000
"""Entries deleted in one transaction, so that writers wait for milliseconds at most."""


def end(connection: sqlite3.Connection) -> Position:
    """The number of the newest entry there ever was."""
    row = connection.execute(
        "SELECT seq FROM sqlite_sequence WHERE name = 'strangler_changes'"
    ).fetchone()
    return int(row[0]) if row else 0


def floor(connection: sqlite3.Connection) -> Position:
    """The last entry that was deleted: they go in order and numbers are never used again."""
    first = connection.execute("SELECT min(id) FROM strangler_changes").fetchone()[0]
    return end(connection) if first is None else int(first) - 1


def uncut(connection: sqlite3.Connection) -> bool:
    """Whether there are entries after the last cut."""
    row = connection.execute(
        "SELECT coalesce((SELECT max(id) FROM strangler_changes), 0)"
        " > coalesce((SELECT max(id) FROM strangler_cuts), 0)"
    ).fetchone()
    return bool(row[0])


def cut(connection: sqlite3.Connection) -> Position:
    """Cut the log at its end, within a write transaction: every entry there is committed."""
    connection.execute(
        "INSERT OR IGNORE INTO strangler_cuts (id)"
        " SELECT id FROM strangler_changes ORDER BY id DESC LIMIT 1"
    )
    return end(connection)


def check(connection: sqlite3.Connection, resume: Position, path: Path, stream: Stream) -> None:
    """Refuse a position that this log does not have, or has no longer."""
    first, last = floor(connection), end(connection)
    if resume < first:
        what = f"the log begins after {first}, and the stream is at {resume}: changes are lost"
    elif resume > last:
        what = (
            f"the stream is at {resume}, and the log ends at {last}: the file was restored from an"
            " older copy"
        )
    else:
        return
    raise SourceError(
        f"{path}: {what}; take a new snapshot (`{command('run', stream, '--resnapshot')}`)",
        temporary=False,
    )


def released(connection: sqlite3.Connection, stream: str, confirmed: Position) -> bool:
    """Note what the stream needs no more, and delete what no stream needs; whether it is all."""
    connection.execute(
        "UPDATE strangler_readers SET confirmed = ? WHERE stream = ? AND confirmed < ?",
        (confirmed, stream, confirmed),
    )
    least = connection.execute("SELECT min(confirmed) FROM strangler_readers").fetchone()[0]
    last: int = min(int(least), floor(connection) + RELEASE)
    connection.execute("DELETE FROM strangler_changes WHERE id <= ?", (last,))
    connection.execute("DELETE FROM strangler_cuts WHERE id <= ?", (last,))
    return last == int(least)


def retained(connection: sqlite3.Connection, stream: str) -> int:
    """Bytes of the entries that a stream has not confirmed: their number times a mean size."""
    values = [f"v{index}" for index in range(width(connection, "strangler_changes"))]
    sizes = " + ".join(f"coalesce(length(CAST({value} AS BLOB)), 0)" for value in values) or "0"
    kept = (
        "FROM strangler_changes WHERE id >"
        " (SELECT coalesce(max(confirmed), 0) FROM strangler_readers WHERE stream = ?)"
    )
    count, total = connection.execute(
        f"SELECT (SELECT count(*) {kept}), sum(16 + {sizes})"  # noqa: S608
        f" FROM (SELECT * {kept} LIMIT 1000)", (stream, stream),
    ).fetchone()  # fmt: skip
    return int(count * total / min(count, 1000)) if count else 0
