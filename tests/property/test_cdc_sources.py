"""Whatever several sessions write, replaying the log gives the tables, from any commit on.

Each example is a plan: which session does what next. On PostgreSQL the transactions interleave; on
SQLite a session that writes waits for the one before it, so each transaction ends before the next.
"""

import itertools
import sqlite3
import tempfile
from pathlib import Path

import psycopg
import pytest
from conformance.sources.adapters import PostgresDatabase, SqliteDatabase
from conformance.sources.reading import Reading, replay, signature
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.shared import shared_postgres

KEYS = st.integers(0, 5)
VALUES = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["", "a", "x" * 3000]))
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, VALUES),
    st.tuples(st.just("set"), KEYS, VALUES),
    st.tuples(st.just("move"), KEYS, KEYS),
    st.tuples(st.just("delete"), KEYS, st.none()),
    st.tuples(st.just("clear"), st.none(), st.none()),
    st.tuples(st.just("savepoint"), st.none(), st.none()),
    st.tuples(st.just("back"), st.none(), st.none()),
)
TRANSACTIONS = st.tuples(st.lists(STEPS, max_size=6), st.booleans())
_numbers = itertools.count()


def literal(value):
    return "NULL" if value is None else f"'{value}'"


STATEMENTS = {
    "put": "INSERT INTO item (id, v) VALUES ({0}, {1}) ON CONFLICT (id) DO UPDATE SET v = {1}",
    "set": "UPDATE item SET v = {1}, n = n + 1 WHERE id >= {0}",
    "move": "UPDATE item SET id = id + 10 * ({1} + 1) WHERE id = {0}",
    "delete": "DELETE FROM item WHERE id % 10 = {0}",
    "clear": "DELETE FROM item",
    "savepoint": "SAVEPOINT s",
    "back": "ROLLBACK TO SAVEPOINT s",
}
CREATE = "CREATE TABLE item (id INTEGER PRIMARY KEY, v TEXT, n INTEGER DEFAULT 0)"


class Writer:
    """One session: its open transaction ends as its plan says, or because the database says so."""

    def __init__(self, session, errors) -> None:
        self.session, self.errors = session, errors
        self.open = self.saved = self.broken = False

    def begin(self, sql):
        self.session.execute(sql)
        self.open, self.saved, self.broken = True, False, False

    def step(self, kind, first, second):
        if self.broken or (kind == "back" and not self.saved):
            return
        try:
            self.session.execute(STATEMENTS[kind].format(first, literal(second) if kind != "move"
                                                         else second))  # fmt: skip
            self.saved = self.saved or kind == "savepoint"
        except self.errors:
            self.broken = True

    def end(self, *, commit):
        self.session.execute("COMMIT" if commit and not self.broken else "ROLLBACK")
        self.open = False


def assert_replayed(database, plans, run):
    """Write as planned, and compare what the log says with the table, then again from a middle."""
    database.execute(CREATE)
    stream = database.stream("item", name=f"p{next(_numbers)}")
    reading = Reading(database, stream)
    run(plans)
    transactions = reading.up_to_now()
    rows = replay(change for each in transactions for change in each.rows).get("item", {})
    found = database.session().rows("SELECT id, v, n FROM item")
    assert {key[0]: (row["v"], row["n"]) for key, row in rows.items()} == {
        id_: (v, n) for id_, v, n in found
    }
    reading.source.close()
    if transactions:
        middle = len(transactions) // 2
        again = Reading(database, stream, transactions[middle].commit.resume)
        assert signature(again.up_to_now()) == signature(transactions[middle + 1 :])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TRANSACTIONS, max_size=12))
def test_sqlite(plans):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "app.sqlite3")
        path.touch()
        database = SqliteDatabase(f"sqlite:///{path}", Path(folder))

        def run(plans):
            writers = [Writer(database.session(), sqlite3.Error) for _ in range(3)]
            for writer, (steps, commit) in zip(itertools.cycle(writers), plans, strict=False):
                writer.begin("BEGIN IMMEDIATE")
                for step in steps:
                    writer.step(*step)
                writer.end(commit=commit)

        try:
            assert_replayed(database, plans, run)
        finally:
            database.close()


@pytest.fixture(scope="module")
def cluster():
    with shared_postgres() as server:
        yield server


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(TRANSACTIONS, min_size=1, max_size=8),
    st.lists(st.integers(0, 2), max_size=60),
)
def test_postgresql(cluster, plans, order):
    url = cluster.create(f"property{next(_numbers)}")
    with tempfile.TemporaryDirectory() as folder:
        database = PostgresDatabase(url, Path(folder))
        try:
            assert_replayed(database, plans, lambda plans: interleaved(database, plans, order))
        finally:
            database.close()


def interleaved(database, plans, order):
    """Three sessions take the steps of their transactions in turns; a blocked one gives up."""
    waiting = iter(plans)
    writers = [Writer(database.session(), psycopg.Error) for _ in range(3)]
    steps = [iter(()) for _ in writers]
    commits = [True] * 3
    for writer in writers:
        writer.session.execute("SET lock_timeout = '20ms'")

    def advance(number):
        writer = writers[number]
        if not writer.open:
            plan = next(waiting, None)
            if plan is None:
                return False
            steps[number], commits[number] = iter(plan[0]), plan[1]
            writer.begin("BEGIN")
        elif (step := next(steps[number], None)) is not None:
            writer.step(*step)
        else:
            writer.end(commit=commits[number])
        return True

    for number in order:
        advance(number)
    for number in range(3):
        while writers[number].open or number == 0:
            if not advance(number):
                break
