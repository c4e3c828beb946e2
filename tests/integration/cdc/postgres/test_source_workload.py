"""Random writers, a reader that is cut off at random places: what comes is what was written."""

from __future__ import annotations

import itertools
import random
import resource

import pytest

from cdc.change import ABSENT, Begin, Change, Commit, Op
from cdc.sources.postgres import PostgresSource

TABLES = (
    "CREATE TABLE item (id bigint PRIMARY KEY, name text, n integer)",
    "CREATE TABLE whole (id bigint PRIMARY KEY, name text, n integer)",
    "ALTER TABLE whole REPLICA IDENTITY FULL",
)


class Writer:
    """Transactions that overlap: some big, some with savepoints, some rolled back."""

    def __init__(self, case, seed: int) -> None:
        self._random = random.Random(seed)
        self._sessions = [case.session() for _ in range(3)]
        self._busy: dict[int, int] = {}
        self._ids = itertools.count(1)

    def step(self) -> None:
        """One statement of one session; each session has rows of its own, so that none waits."""
        choice = self._random
        number = choice.randrange(len(self._sessions))
        session = self._sessions[number]
        if number not in self._busy:
            session.execute("BEGIN")
            self._busy[number] = 0
        self._write(session, number)
        self._busy[number] += 1
        if self._busy[number] > choice.randrange(1, 9):
            session.execute("ROLLBACK" if choice.random() < 0.2 else "COMMIT")
            del self._busy[number]

    def _write(self, session, number: int) -> None:
        choice = self._random
        table = choice.choice(["item", "whole"])
        key = next(self._ids) * 1_000_000 + number
        mine = f"abs(id) % 1000000 % 10 = {number}"
        statement = choice.choice(
            [
                f"INSERT INTO {table} VALUES ({key}, repeat('n', {choice.randrange(50)}), 1)",
                f"INSERT INTO {table} SELECT {key} + i * 10, repeat('x', 90), i"
                f" FROM generate_series(1, {choice.choice([3, 30, 900])}) i",
                f"INSERT INTO {table} VALUES ({key}, (SELECT string_agg(md5(i::text), '')"
                " FROM generate_series(1, 300) i), 0)",
                f"UPDATE {table} SET n = n + 1 WHERE {mine} AND id % 7 = 0",
                f"UPDATE {table} SET id = -id WHERE {mine} AND id > 0 AND id % 13 < 3",
                f"DELETE FROM {table} WHERE {mine} AND id % 3 = 0",
            ]
        )
        undone = choice.random() < 0.3
        if undone:
            session.execute("SAVEPOINT here")
        session.execute(statement)
        if undone:
            session.execute(choice.choice(["ROLLBACK TO SAVEPOINT here", "RELEASE SAVEPOINT here"]))

    def end(self) -> None:
        for number in self._busy:
            self._sessions[number].execute("COMMIT")


class Copy:
    """Two tables as the events make them; a transaction counts when its commit has come."""

    def __init__(self) -> None:
        self.tables: dict[str, dict] = {"item": {}, "whole": {}}
        self._open: list[Change] = []

    def take(self, event) -> int | None:
        """Where to go on, after a commit."""
        match event:
            case Begin():
                self._open = []
            case Change():
                self._open.append(event)
            case Commit(resume):
                for change in self._open:
                    self._apply(change)
                return resume
        return None

    def _apply(self, change: Change) -> None:
        rows = self.tables.get(change.relation.table)
        if rows is None:
            return
        old = {}
        if change.op is Op.CREATE:
            assert change.after[0] not in rows
        else:
            old = rows.pop((change.before or change.after)[0])
        if change.after is not None:
            rows[change.after[0]] = tuple(
                was if value is ABSENT else value
                for value, was in zip(change.after, old or change.after, strict=True)
            )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("version", [None, 130000], ids=["streaming", "whole"])
def test_the_copy_is_the_table(case, seed, version, monkeypatch):
    if version is not None:  # the protocol that servers before 14 speak
        command = PostgresSource._command
        monkeypatch.setattr(
            PostgresSource, "_command", lambda source, begin, _: command(source, begin, version)
        )
    case.run(*TABLES)
    resume = case.begin("item", "whole")
    writer, copy, choice = Writer(case, seed), Copy(), random.Random(seed)
    for _ in range(120):
        writer.step()
        if choice.random() < 0.3:
            for event in case.source.read(0.05):
                resume = copy.take(event) or resume
        if choice.random() < 0.1:
            case.source.confirm(resume)
        if choice.random() < 0.08:
            case.again(resume)
    writer.end()
    for event in case.up_to_now():
        resume = copy.take(event) or resume
    for table, rows in copy.tables.items():
        with case.session() as session:
            assert {row[0]: row for row in session.execute(f"TABLE {table}")} == rows
    assert list(case.folder.glob("*.spill")) == []


def test_the_memory_of_a_big_transaction_is_that_of_a_small_one(case):
    case.run(TABLES[0])
    case.begin("item")
    case.run("INSERT INTO item SELECT i, repeat('w', 300), 1 FROM generate_series(1, 5000) i")
    case.commits()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    case.run("INSERT INTO item SELECT i, repeat('x', 300), 1 FROM generate_series(5001, 205000) i")
    count = done = 0
    while not done:
        events = case.source.read(30.0)
        assert events
        count += sum(type(each) is Change for each in events)
        done = sum(type(each) is Commit for each in events)
    assert count == 200_000
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 30_000, "kilobytes: the transaction is 60 MB, and was held"
