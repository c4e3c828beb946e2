"""Sets a SQLite file up for a stream: the change table, and the triggers of each captured table.

What is missing is found by one plan, which `check` tells and `apply` carries out under the write
lock. The source asks the same plan whenever the schema has changed, so that triggers which a
migration has dropped or outdated stop the relay instead of missing rows.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cdc.applier.tables import applied_ddl
from cdc.config.model import Stream
from cdc.relay.ports import SourceError
from cdc.sources.preflight import Finding
from cdc.sources.sqlite.connect import connect, file_of, translated, writing
from cdc.sources.sqlite.shape import Table, bare, find, quoted
from cdc.sources.sqlite.triggers import trigger_names, triggers

MARKER_TABLE: Final = "strangler_marker"
APPLIED_TABLE: Final = "strangler_applied"

_TABLES: Final = {
    "strangler_log": "token TEXT NOT NULL",
    "strangler_shapes": "id INTEGER PRIMARY KEY, name TEXT NOT NULL, columns TEXT NOT NULL",
    "strangler_changes": (
        "id INTEGER PRIMARY KEY AUTOINCREMENT, shape, op, at_ms, origin"  # no constraint may fail
    ),
    "strangler_replaced": "shape, rid",
    "strangler_cuts": "id INTEGER PRIMARY KEY",
    "strangler_readers": "stream TEXT PRIMARY KEY, confirmed INTEGER NOT NULL",
    "strangler_captures": (
        "stream TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, PRIMARY KEY (stream, name)"
    ),
    MARKER_TABLE: (
        "stream TEXT NOT NULL, kind TEXT NOT NULL, seq BIGINT NOT NULL, body TEXT NOT NULL,"
        " written_at TEXT NOT NULL, PRIMARY KEY (stream, kind)"
    ),
}
_WIDE: Final = ("strangler_changes", "strangler_replaced")


def captured(stream: Stream) -> list[str]:
    """The tables whose changes the log must have for a stream."""
    outbox = [stream.outbox] if stream.outbox else []
    applied = [APPLIED_TABLE] if stream.two_way else []
    names = [table.table for table in stream.tables]
    return list(dict.fromkeys([*names, *outbox, *applied, MARKER_TABLE]))


@dataclass(frozen=True, slots=True)
class Step:
    """A finding, and the statements that mend it, each with its parameters."""

    finding: Finding
    statements: Sequence[tuple[str, tuple[object, ...]]] = ()


class SqlitePreflight:
    """`cdc.sources.preflight.Preflight` for a SQLite file."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._path = file_of(stream.source)
        self._connection: sqlite3.Connection | None = None

    def check(self) -> Sequence[Finding]:
        """What is missing."""
        with translated(self._path):
            return [step.finding for step in plan(self._connected(), self._stream)]

    def apply(self) -> Sequence[str]:
        """Make the tables and triggers, in one transaction."""
        done: list[str] = []
        connection = self._connected()
        with translated(self._path), writing(connection):
            # First the change table, and then what needs it; shapes get their numbers one by one.
            while statements := _next_statements(connection, self._stream):
                for sql, parameters in statements:
                    connection.execute(sql, parameters)
                    done.append(sql)
        return done

    def undo(self) -> Sequence[str]:
        """Drop what only this stream needed."""
        connection = self._connected()
        done: list[str] = []
        with translated(self._path), writing(connection):
            for sql, parameters in _undoing(connection, self._stream.name):
                connection.execute(sql, parameters)
                done.append(sql)
        return done

    def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path)
        return self._connection


def _next_statements(
    connection: sqlite3.Connection, stream: Stream
) -> Sequence[tuple[str, tuple[object, ...]]]:
    """What the first step that can be done needs; nothing when all is done."""
    return next((step.statements for step in plan(connection, stream) if step.statements), ())


def plan(connection: sqlite3.Connection, stream: Stream) -> list[Step]:
    """Everything that is missing for the stream, in the order in which it can be mended.

    Steps that need tables which are not there yet come with the next plan.
    """
    tables = _present(connection)
    if missing := [name for name in _TABLES if name not in tables]:
        create = [(f"CREATE TABLE {name} ({_TABLES[name]})", ()) for name in missing]
        what = f"the change table and its companions are missing: {', '.join(missing)}"
        return [Step(_finding(what, create), create), *_unreadable(connection, stream)]
    steps = list(_registered(connection, stream))
    if stream.two_way and APPLIED_TABLE not in tables:
        made = [(applied_ddl("sqlite"), ())]
        first = Step(_finding(f"the table {APPLIED_TABLE} is missing", made), made)
        return [first, *steps, *_unreadable(connection, stream)]
    needed = 0
    for name in captured(stream):
        try:
            table = find(connection, name)
        except SourceError as error:
            steps.append(_refusal(error))
            continue
        needed = max(needed, 2 * len(table.shape.columns))
        steps += [*_keyed(connection, stream, name, table), *_captured(connection, stream, table)]
    return [*_wide_enough(connection, needed), *steps]


def _present(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in rows}


def _finding(what: str, statements: Sequence[tuple[str, tuple[object, ...]]]) -> Finding:
    return Finding(what, "; ".join(sql for sql, _ in statements))


def _refusal(error: SourceError) -> Step:
    what, _, remedy = str(error).partition(";")
    return Step(Finding(what, remedy.strip(), applies=False))


def _unreadable(connection: sqlite3.Connection, stream: Stream) -> Iterator[Step]:
    """Tables that no statement of ours can make captureable, told in the first run already."""
    for name in captured(stream):
        try:
            table = find(connection, name)
        except SourceError as error:
            if name not in {MARKER_TABLE, APPLIED_TABLE}:
                yield _refusal(error)
        else:
            yield from _keyed(connection, stream, name, table)


def _registered(connection: sqlite3.Connection, stream: Stream) -> Iterator[Step]:
    if connection.execute("SELECT count(*) FROM strangler_log").fetchone()[0] == 0:
        token = [("INSERT INTO strangler_log (token) VALUES (?)", (secrets.token_hex(16),))]
        yield Step(_finding("the log has no identity", token), token)
    known = "SELECT 1 FROM strangler_readers WHERE stream = ?"
    if connection.execute(known, (stream.name,)).fetchone() is None:
        sql = (
            "INSERT INTO strangler_readers (stream, confirmed) SELECT ?, coalesce("
            "(SELECT seq FROM sqlite_sequence WHERE name = 'strangler_changes'), 0)"
        )
        reader = [(sql, (stream.name,))]
        yield Step(_finding(f"the log is not kept for stream {stream.name}", reader), reader)


def _keyed(
    connection: sqlite3.Connection, stream: Stream, name: str, table: Table
) -> Iterator[Step]:
    key = next((each.key for each in stream.tables if each.table == name), ())
    try:
        relation = table.shape.relation(name, key)
    except SourceError as error:
        yield _refusal(error)
        return
    columns = [quoted(relation.columns[index].name) for index in relation.key]
    empty = " OR ".join(f"{column} IS NULL" for column in columns)
    query = f"SELECT 1 FROM {quoted(table.shape.table)} WHERE {empty} LIMIT 1"  # noqa: S608
    if connection.execute(query).fetchone():
        remedy = f"give these rows a key: SELECT * FROM {name} WHERE {empty}"  # noqa: S608
        yield Step(Finding(f"table {name} has rows without a key", remedy, applies=False))
    for index in table.untraced:
        yield Step(
            Finding(
                f"a row of {name} that INSERT OR REPLACE removes through the unique index {index}"
                " (on an expression, or on a part of the table) leaves no trace",
                f"where {name} is written with REPLACE, use ON CONFLICT DO UPDATE instead",
                fatal=False,
                applies=False,
            )
        )


def _captured(connection: sqlite3.Connection, stream: Stream, table: Table) -> Iterator[Step]:
    yield from _triggered(connection, table)
    query = "SELECT 1 FROM strangler_captures WHERE stream = ? AND name = ?"
    row = (stream.name, table.shape.table)
    if connection.execute(query, row).fetchone() is None:
        insert = [("INSERT INTO strangler_captures (stream, name) VALUES (?, ?)", row)]
        what = f"table {table.shape.table} is not captured for stream {stream.name}"
        yield Step(_finding(what, insert), insert)


def width(connection: sqlite3.Connection, table: str) -> int:
    """How many value columns a table of the log has."""
    query = "SELECT count(*) FROM pragma_table_info(?) WHERE name GLOB 'v[0-9]*'"
    return int(connection.execute(query, (table,)).fetchone()[0])


def _wide_enough(connection: sqlite3.Connection, needed: int) -> Iterator[Step]:
    for table in _WIDE:
        have = width(connection, table)
        add: list[tuple[str, tuple[object, ...]]] = [
            (f"ALTER TABLE {table} ADD COLUMN v{index}", ()) for index in range(have, needed)
        ]
        if add:
            what = f"{table} has columns for {have} values; {needed} are needed"
            yield Step(_finding(what, add), add)


def _triggered(connection: sqlite3.Connection, table: Table) -> Iterator[Step]:
    name = table.shape.table
    shape_id = _shape_id(connection, table)
    wanted = triggers(table, shape_id or 0)
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        " AND name NOT GLOB 'strangler_guard_*' AND tbl_name = ? COLLATE NOCASE"
        " ORDER BY rowid DESC", (name,),
    ).fetchall()  # fmt: skip
    ours = [row for row in rows if row[0].startswith("strangler_")]
    # The newest fires first, so ours have to be the newest; a guard's only look, or refuse.
    if shape_id is not None and dict(ours) == wanted and ours == rows[: len(wanted)]:
        return
    new: list[tuple[str, tuple[object, ...]]] = []
    if shape_id is None:
        query = "SELECT coalesce(max(id), 0) + 1 FROM strangler_shapes"
        shape_id = int(connection.execute(query).fetchone()[0])
        insert = "INSERT INTO strangler_shapes (id, name, columns) VALUES (?, ?, ?)"
        new.append((insert, (shape_id, name, table.shape.to_json())))
    old = dict.fromkeys([*trigger_names(name), *(each for each, _ in ours)])
    drop = [(f"DROP TRIGGER IF EXISTS {quoted(each)}", ()) for each in old]
    create = [(sql, ()) for sql in triggers(table, shape_id).values()]
    what = f"the triggers of table {name} are missing, or older than its shape"
    yield Step(_finding(what, [*drop, *create]), [*new, *drop, *create])


def _shape_id(connection: sqlite3.Connection, table: Table) -> int | None:
    row = connection.execute(
        "SELECT id FROM strangler_shapes WHERE name = ? AND columns = ? ORDER BY id DESC LIMIT 1",
        (table.shape.table, table.shape.to_json()),
    ).fetchone()
    return None if row is None else int(row[0])


def _undoing(
    connection: sqlite3.Connection, stream: str
) -> Iterator[tuple[str, tuple[object, ...]]]:
    present = _present(connection)
    if "strangler_captures" not in present:
        return
    mine = ("strangler_captures", "strangler_readers", MARKER_TABLE)
    delete = [f"DELETE FROM {table} WHERE stream = ?" for table in mine if table in present]  # noqa: S608
    yield from ((sql, (stream,)) for sql in delete)
    used = {
        bare(name).casefold()
        for (name,) in connection.execute(
            "SELECT name FROM strangler_captures WHERE stream <> ?", (stream,)
        )
    }
    ours = connection.execute(
        "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
        " AND name GLOB 'strangler_*' AND sql GLOB '*strangler_replaced*'"
    ).fetchall()
    for trigger, table in ours:
        if table.casefold() not in used:
            yield f"DROP TRIGGER {quoted(trigger)}", ()
    if not used:
        yield from ((f"DROP TABLE {table}", ()) for table in _TABLES if table in present)
        written = "SELECT 1 FROM strangler_applied"
        if APPLIED_TABLE in present and not connection.execute(written).fetchone():
            yield "DROP TABLE strangler_applied", ()
