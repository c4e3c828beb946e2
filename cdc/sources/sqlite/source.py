"""The log of a SQLite file: reads what the triggers have written, and cuts it into transactions."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cdc.change import Change, Event, Identity, Op, Position, Relation, Row, Value
from cdc.config.model import Stream
from cdc.config.names import command
from cdc.relay.ports import SourceError
from cdc.sources.sqlite import entries
from cdc.sources.sqlite.connect import connect, file_of, is_busy, patience, translated, writing
from cdc.sources.sqlite.preflight import (
    APPLIED_TABLE,
    MARKER_TABLE,
    SqlitePreflight,
    captured,
    plan,
    width,
)
from cdc.sources.sqlite.runs import Entry, Runs
from cdc.sources.sqlite.shape import Shape, bare
from cdc.sources.sqlite.values import Raw, reader

MAX_ENTRIES: Final = 2_000
MAX_BYTES: Final = 4 * 1024 * 1024
"""Bounds of one `read`; a single row may be larger."""
_PAUSE: Final = 0.01
"""Seconds between two looks at an idle file; a look costs microseconds."""
_CUT_SECONDS: Final = 0.05
"""How long a cut or a release waits for another writer before it is tried again."""
_FIRST_VALUE: Final = 6
"""Where the values begin in a row of `_ENTRIES`."""

_ENTRIES: Final = (
    "SELECT c.id, c.shape, c.op, c.at_ms, c.origin, k.id IS NOT NULL{values}"
    " FROM strangler_changes AS c LEFT JOIN strangler_cuts AS k ON k.id = c.id"
    " WHERE c.id > ? AND c.id <= (SELECT max(id) FROM strangler_cuts) ORDER BY c.id"
)


@dataclass(frozen=True, slots=True)
class _Captured:
    """What is needed to turn an entry of one shape into a change."""

    relation: Relation
    readers: tuple[Callable[[Raw], Value], ...]
    marker: bool
    applied: bool

    def change(self, op: str, values: Sequence[Raw]) -> Change:
        size = len(self.readers)
        first = self._row(values[:size])
        match op:
            case "c":
                return Change(self.relation, Op.CREATE, None, first)
            case "d":
                return Change(self.relation, Op.DELETE, first, None)
            case _:
                return Change(self.relation, Op.UPDATE, first, self._row(values[size : 2 * size]))

    def _row(self, values: Sequence[Raw]) -> Row:
        return tuple([read(raw) for read, raw in zip(self.readers, values, strict=True)])


class SqliteSource:
    """`cdc.relay.ports.Source` for a SQLite file. The package's docstring says how it works."""

    connector = "sqlite"

    def __init__(self, stream: Stream, folder: Path) -> None:  # noqa: ARG002 - nothing to spill
        self._stream = stream
        self._path = file_of(stream.source)
        self.database = self._path.name
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._runs = Runs(0)
        self._shapes: dict[int, _Captured | None] = {}
        self._query = ""
        self._versions = (-1, -1)
        self._unread = True
        self._confirmed: Position | None = None

    def identity(self) -> Identity:
        """The random name that the log was given when it was made; a copy has it too."""
        with translated(self._path):
            connection = self._connected()
            self._verify(connection)
            return Identity.of(
                log=connection.execute("SELECT token FROM strangler_log").fetchone()[0]
            )

    def start(self, resume: Position | None) -> Position:
        """Begin at the end of a run, or at the log's present end."""
        with translated(self._path):
            connection = self._connected()
            self._verify(connection)
            if resume is None:
                with writing(connection):
                    resume = entries.cut(connection)
            else:
                entries.check(connection, resume, self._path, self._stream)
            self._runs = Runs(resume)
            self._unread = True
            return resume

    def read(self, timeout: float) -> Sequence[Event]:
        """The next events: up to `MAX_ENTRIES` entries and about `MAX_BYTES`."""
        deadline = time.monotonic() + timeout
        connection = self._started()
        with translated(self._path):
            while True:
                if events := self._look(connection):
                    return events
                left = deadline - time.monotonic()
                if left <= 0:
                    return ()
                if not self._unread:
                    time.sleep(min(_PAUSE, left))

    def confirm(self, resume: Position) -> None:
        """Let everything up to `resume` go, now or, while another session writes, later."""
        self._confirmed = resume
        with translated(self._path):
            self._release(self._started())

    def retained(self) -> int:
        """Bytes of the entries that this stream has not confirmed, from a sample of their sizes."""
        connection = connect(self._path)
        try:
            with translated(self._path):
                return entries.retained(connection, self._stream.name)
        finally:
            connection.close()

    def check(self) -> None:
        """Nothing more: `read` looks itself, with each change of the schema."""

    def release(self) -> None:
        """Undo the preflight: triggers without a reader would fill the disk for nobody."""
        preflight = SqlitePreflight(self._stream)
        try:
            preflight.undo()
        finally:
            preflight.close()

    def text(self, position: Position) -> str:
        """The number of an entry in the change table."""
        return str(position)

    def close(self) -> None:
        """Stop reading."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path)
            self._file = _inode(self._path)
        return self._connection

    def _started(self) -> sqlite3.Connection:
        assert self._connection is not None, "read before start"
        return self._connection

    def _look(self, connection: sqlite3.Connection) -> list[Event]:
        if _inode(self._path) != self._file:
            raise SourceError(
                f"{self._path} was replaced by another file, or removed", temporary=True
            )
        try:
            if self._changed(connection) or self._unread:
                self._unread = True
                return self._next(connection)
            if self._confirmed is not None:
                self._release(connection)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
        return []

    def _changed(self, connection: sqlite3.Connection) -> bool:
        """Whether another session has committed since the last look."""
        data = connection.execute("PRAGMA data_version").fetchone()[0]
        if data == self._versions[0]:
            return False
        schema = connection.execute("PRAGMA schema_version").fetchone()[0]
        if schema != self._versions[1]:
            self._verify(connection)
        self._versions = (data, schema)
        return True

    def _verify(self, connection: sqlite3.Connection) -> None:
        """Refuse to read a log that does not have everything. Also learns the log's width."""
        name = self._stream.name
        missing = [s.finding.what for s in plan(connection, self._stream) if s.finding.fatal]
        if missing:
            raise SourceError(
                f"{self._path} is not set up for the stream {name}: {'; '.join(missing)}."
                f" Set it up (`{command('init', self._stream, '--apply')}`); where the relay was"
                " running already, changes may be missing since then, so also take a new snapshot"
                f" (`{command('run', self._stream, '--resnapshot')}`)",
                temporary=False,
            )
        values = "".join(f", c.v{i}" for i in range(width(connection, "strangler_changes")))
        self._query = _ENTRIES.format(values=values)

    def _next(self, connection: sqlite3.Connection) -> list[Event]:
        events = self._fetch(connection)
        if not events and not self._unread and entries.uncut(connection):
            self._unread = True
            with patience(connection, _CUT_SECONDS), writing(connection):
                entries.cut(connection)
            events = self._fetch(connection)
        return events

    def _fetch(self, connection: sqlite3.Connection) -> list[Event]:
        """Events up to the last cut; `_unread` says whether a bound ended it before."""
        events: list[Event] = []
        size = 0
        cursor = connection.execute(self._query, (self._runs.read,))
        try:
            for count, row in enumerate(cursor, 1):
                events += self._runs.feed(self._entry(connection, row))
                size += sum(len(v) for v in row[_FIRST_VALUE:] if isinstance(v, str | bytes))
                if count >= MAX_ENTRIES or size >= MAX_BYTES:
                    self._unread = True
                    return events
        finally:
            cursor.close()
        self._unread = bool(events)
        return events

    def _entry(self, connection: sqlite3.Connection, row: tuple[Raw, ...]) -> Entry:
        id_, shape_id, op, at_ms, origin, cut = row[:_FIRST_VALUE]
        shape = self._captured(connection, int(str(shape_id)))
        if shape is not None and shape.applied and origin is None:
            raise _unlabelled(self._stream.name)
        reported = shape is not None and not shape.applied
        return Entry(
            int(str(id_)),
            int(str(at_ms)),
            None if origin is None else str(origin),
            bool(cut),
            shape is not None and shape.marker,
            shape.change(str(op), row[_FIRST_VALUE:]) if shape and reported else None,
        )

    def _captured(self, connection: sqlite3.Connection, shape_id: int) -> _Captured | None:
        if shape_id not in self._shapes:
            query = "SELECT name, columns FROM strangler_shapes WHERE id = ?"
            shape = Shape.from_json(*connection.execute(query, (shape_id,)).fetchone())
            self._shapes[shape_id] = self._of_stream(shape)
        return self._shapes[shape_id]

    def _of_stream(self, shape: Shape) -> _Captured | None:
        names = {bare(name).casefold(): name for name in captured(self._stream)}
        name = names.get(shape.table.casefold())
        if name is None:
            return None
        key = next((table.key for table in self._stream.tables if table.table == name), ())
        relation = shape.relation(name, key)
        readers = tuple(reader(column.kind) for column in relation.columns)
        return _Captured(relation, readers, name == MARKER_TABLE, name == APPLIED_TABLE)

    def _release(self, connection: sqlite3.Connection) -> None:
        if self._confirmed is None:
            return
        try:
            with patience(connection, _CUT_SECONDS), writing(connection):
                done = entries.released(connection, self._stream.name, self._confirmed)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            return
        if done:
            self._confirmed = None


def _unlabelled(stream: str) -> SourceError:
    return SourceError(
        f"stream {stream}: an applier wrote into this file without a label, so its writes cannot"
        " be told from others: cdc.label.label_session must be called on each of its"
        " connections before it writes",
        temporary=False,
    )


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
