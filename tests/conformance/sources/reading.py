"""Reads a source as the relay does, checking what holds for every reading on the way."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from cdc.change import ABSENT, Begin, Change, Commit, Op, Reached

WITHIN = 30.0
MARKERS = "strangler_marker"


@dataclass
class Transaction:
    """What stood between a Begin and its Commit."""

    begin: Begin
    changes: list[Change] = field(default_factory=list)
    commit: Commit | None = None

    @property
    def rows(self) -> list[Change]:
        """Without markers."""
        return [change for change in self.changes if change.relation.name != MARKERS]


class Reading:
    """One reader of a stream, from `resume` on."""

    def __init__(self, database, stream, resume=None) -> None:
        self._database, self._stream = database, stream
        self.source = database.source(stream)
        self.identity = self.source.identity()
        self.began_at = self.source.start(resume)
        self._control = database.control(stream)
        self._open: Transaction | None = None
        self._done: list[Transaction] = []
        self._resume = self.began_at

    def up_to_now(self) -> list[Transaction]:
        """The transactions with rows that were committed before this call, since the last one.

        The last of them may be followed by the marker that tells where now is.
        """
        seq = self._control.mark(self._stream.name, "barrier", "{}")
        deadline = time.monotonic() + WITHIN
        while not any(_has_marker(each, seq) for each in self._done):
            assert time.monotonic() < deadline, f"marker {seq} did not come: {self._done}"
            self._take(self.source.read(1.0))
        done, self._done = self._done, []
        return [transaction for transaction in done if transaction.rows]

    def changes(self) -> list[Change]:
        """The rows' changes up to now, without regard to transactions."""
        return [change for transaction in self.up_to_now() for change in transaction.rows]

    def up_to_here(self):
        """Read on up to now, and where that is."""
        self.up_to_now()
        return self._resume

    def _take(self, events) -> None:
        for event in events:
            match event:
                case Begin():
                    assert self._open is None, "a transaction begins within another"
                    if self._done:
                        assert event.position > self._done[-1].begin.position
                    self._open = Transaction(event)
                case Change():
                    assert self._open is not None, "a change outside of a transaction"
                    assert_well_formed(event)
                    self._open.changes.append(event)
                case Commit():
                    assert self._open is not None, "a commit without its begin"
                    assert event.resume > self._resume, "positions must grow"
                    self._resume, self._open.commit = event.resume, event
                    self._done.append(self._open)
                    self._open = None
                case Reached():
                    assert self._open is None, "reached a place within a transaction"
                    self._resume = max(self._resume, event.resume)


def _has_marker(transaction: Transaction, seq: int) -> bool:
    return any(
        as_dict(change).get("seq") == seq
        for change in transaction.changes
        if change.relation.name == MARKERS and change.after is not None
    )


def assert_well_formed(change: Change) -> None:
    """What holds for every change of every source."""
    relation = change.relation
    assert relation.key, "a change of a table without a key"
    width = len(relation.columns)
    for row in (change.before, change.after):
        assert row is None or len(row) == width
    match change.op:
        case Op.CREATE:
            assert change.before is None
            assert change.after is not None
            assert ABSENT not in change.after
        case Op.UPDATE:
            assert change.after is not None
        case Op.DELETE:
            assert change.after is None
            assert change.before is not None
            assert all(change.before[index] is not ABSENT for index in relation.key)
        case Op.TRUNCATE:
            assert change.before is None
            assert change.after is None
        case _:
            raise AssertionError(f"{change.op} is nothing a log can say")


def as_dict(change: Change, row: str = "after") -> dict:
    """A row by column; columns that the log did not carry are left out."""
    values = getattr(change, row)
    names = [column.name for column in change.relation.columns]
    return {
        name: value for name, value in zip(names, values or (), strict=False) if value is not ABSENT
    }


def key_of(relation, row) -> tuple:
    return tuple(row[index] for index in relation.key)


def replay(changes, tables: dict | None = None) -> dict:
    """What the changes make of the tables: {table: {key: {column: value}}}."""
    tables = {} if tables is None else tables
    for change in changes:
        rows = tables.setdefault(change.relation.table, {})
        if change.op is Op.TRUNCATE:
            rows.clear()
            continue
        relation, old = change.relation, {}
        if change.before is not None:
            old = rows.pop(key_of(relation, change.before), {})
        if change.after is not None:
            key = key_of(relation, change.after)
            rows[key] = {**old, **rows.get(key, {}), **as_dict(change)}
    return tables


def signature(transactions) -> list:
    """What a consumer tells records by, and what they say."""
    return [
        (each.begin.position, index, change.op, change.before, change.after)
        for each in transactions
        for index, change in enumerate(each.rows)
    ]
