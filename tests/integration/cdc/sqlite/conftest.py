"""A SQLite file with a stream's triggers, and whoever writes into it."""

import sqlite3
import time

import pytest
from support.streams import a_stream

from cdc.change import Change, Op
from cdc.sources.sqlite import SqliteControl, SqlitePreflight, SqliteSource


class File:
    """A database file, its sessions, and streams that read it."""

    def __init__(self, path):
        self.path = path
        self._open = []
        self.session().execute("PRAGMA journal_mode = WAL")

    @property
    def url(self):
        return f"sqlite:///{self.path}"

    def session(self):
        session = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self._open.append(session)
        return session

    def stream(self, *tables, name="s", **more):
        stream = a_stream(self.url, *tables, name=name, **more)
        self.prepare(stream)
        return stream

    def prepare(self, stream):
        setup = SqlitePreflight(stream)
        try:
            return setup.apply()
        finally:
            setup.close()

    def undo(self, stream):
        setup = SqlitePreflight(stream)
        try:
            return setup.undo()
        finally:
            setup.close()

    def findings(self, stream):
        setup = SqlitePreflight(stream)
        try:
            return setup.check()
        finally:
            setup.close()

    def source(self, stream):
        source = SqliteSource(stream, self.path.parent)
        self._open.append(source)
        return source

    def control(self, stream):
        control = SqliteControl(stream)
        self._open.append(control)
        return control

    def close(self):
        for each in reversed(self._open):
            each.close()


@pytest.fixture
def file(tmp_path):
    opened = File(tmp_path / "app.sqlite3")
    yield opened
    opened.close()


def drained(source):
    """All events that are there now, and a little more than there need be."""
    events, deadline = [], time.monotonic() + 30
    while got := source.read(0.1):
        events += got
        assert time.monotonic() < deadline
    return events


def changes(source):
    return [event for event in drained(source) if isinstance(event, Change)]


def replay(changes):
    """What the changes make of one table: {key: row}; deletes must find their row as it was."""
    rows = {}
    for change in changes:
        key = change.relation.key
        if change.before is not None:
            old = rows.pop(tuple(change.before[index] for index in key))
            assert old == change.before
        if change.after is not None:
            new = tuple(change.after[index] for index in key)
            assert new not in rows, "a row was created over another one"
            rows[new] = change.after
    return rows


def said(changes):
    return [(c.op.value, c.after if c.op is not Op.DELETE else c.before) for c in changes]
