"""Keys of several columns, many differences, reverse streams, and what cannot be compared."""

import threading
from dataclasses import replace

import pytest
from support.kafka import until
from support.matrix import sampled

from cdc.config.model import Stream, TableSync, Topics
from cdc.reconcile.desk import Options
from cdc.reconcile.plan import ReconcileError
from cdc.reconcile.report import Lack, Outcome
from cdc.reconcile.verify import verify
from cdc.reversing import reversed_stream
from tests.integration.cdc.reconcile.pipes import Pipe

PAIRS = [("postgres", "postgres"), ("mariadb", "sqlite"), ("sqlite", "mariadb")]


@pytest.mark.parametrize(
    ("source", "target", "rows"),
    sampled(
        [(*pair, rows) for pair in PAIRS for rows in (1, 7, 1000)],
        (*PAIRS[0], 7), (*PAIRS[1], 1), (*PAIRS[2], 1000),
    ),
)  # fmt: skip
def test_ranges_of_keys_of_several_columns(pipe, source, target, rows):
    p = pipe(source, target, "k")
    p.both("CREATE TABLE k (b int, a bigint, v int, PRIMARY KEY (a, b))")
    keys = [(b, a) for a in (-5, 0, 1, 2**40) for b in range(6)]
    listed = ", ".join(f"({b}, {a}, 1)" for b, a in keys)
    p.source(f"INSERT INTO k VALUES {listed}")
    p.start()
    options = Options(range_rows=rows)
    assert verify(p.stream, options=options).outcome is Outcome.EQUAL
    p.target("DELETE FROM k WHERE a = -5 AND b = 0", "UPDATE k SET v = 2 WHERE a = 1 AND b = 3",
             "INSERT INTO k VALUES (6, 0, 1), (0, 1099511627777, 1)")  # fmt: skip
    found = verify(p.stream, options=options).tables[0]
    assert {(d.kind, d.key) for d in found.differences} == {
        (Lack.MISSING, (0, -5)), (Lack.DIFFERENT, (3, 1)), (Lack.EXTRA, (6, 0)),
        (Lack.EXTRA, (0, 1099511627777)),
    }  # fmt: skip


def test_many_differences_are_counted_and_the_first_are_kept(pipe):
    p = pipe("postgres", "postgres", "t", "text_keys")
    p.both("CREATE TABLE t (id int PRIMARY KEY, v int)",
           "CREATE TABLE text_keys (id text PRIMARY KEY, v int)")  # fmt: skip
    p.source(
        "INSERT INTO t SELECT i, i FROM generate_series(1, 5000) i",
        "INSERT INTO text_keys SELECT CAST(i AS text), i FROM generate_series(1, 5000) i",
    )
    p.start()
    p.target(
        "UPDATE t SET v = -v WHERE id <= 3000", "DELETE FROM t WHERE id > 4000",
        "INSERT INTO t SELECT i, i FROM generate_series(6001, 9000) i", "DELETE FROM text_keys",
    )  # fmt: skip
    options = Options(kept=10, batch=700, range_rows=400)
    numbers, texts = verify(p.stream, options=options).tables
    assert (numbers.different, numbers.missing, numbers.extra) == (3000, 1000, 3000)
    assert len(numbers.differences) == len(texts.differences) == 10
    assert (texts.different, texts.missing, texts.extra) == (0, 5000, 0)


def test_a_reverse_stream_is_compared_alike(pipe):
    p = pipe("postgres", "postgres", TableSync("t", "people", columns={"name": "full_name"}))
    p.source("CREATE TABLE t (id int PRIMARY KEY, name text)")
    p.target("CREATE TABLE people (id int PRIMARY KEY, full_name text)")
    p.start()
    p.stop("relay")
    p.stop("applier")
    p.source("INSERT INTO t VALUES (1, 'Ann'), (2, 'Bob')")
    p.target("INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob')")
    back = Pipe.of(reversed_stream(p.stream), p)
    try:
        back.start(copy=False)
        report = verify(back.stream)
        assert report.outcome is Outcome.EQUAL, report.to_json()
        back.target("UPDATE t SET name = 'Anne' WHERE id = 1")
        [difference] = verify(back.stream).tables[0].differences
        assert (difference.key, difference.columns) == ((1,), ("full_name",))
    finally:
        back.close()


def test_progress_is_told_and_a_comparison_can_be_stopped(pipe):
    p = pipe("postgres", "postgres", "t")
    p.both("CREATE TABLE t (id int PRIMARY KEY, v int)")
    p.source("INSERT INTO t SELECT i, i FROM generate_series(1, 100) i", "ANALYZE t")
    p.start()
    told, stop = [], threading.Event()
    options = Options(range_rows=40)
    verify(p.stream, options=options, progress=lambda *each: told.append(each))
    assert told == [("t", 40, 100), ("t", 80, 100), ("t", 100, 100)]

    def progress(*_):
        stop.set()

    report = verify(p.stream, options=options, progress=progress, stop=stop)
    assert report.outcome is Outcome.UNKNOWN
    assert "asked to stop" in report.reason


def test_a_statement_that_runs_is_ended_when_it_is_stopped(pipe):
    p = pipe("postgres", "postgres", "t")
    p.both("CREATE TABLE t (id int PRIMARY KEY, v int)")
    p.start()
    stop, reports = threading.Event(), []
    lock = p.locked("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    try:
        thread = threading.Thread(target=lambda: reports.append(verify(p.stream, stop=stop)))
        thread.start()
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        until(lambda: p.target(waits), "a statement that waits for the lock")
        stop.set()
        thread.join(20)
        assert not thread.is_alive(), "it waited for the statement's own time limit"
    finally:
        lock.close()
    assert reports[0].outcome is Outcome.UNKNOWN
    assert reports[0].reason == "it was asked to stop"


def test_what_cannot_be_compared_says_why(pipe, tmp_path):
    lone = Stream("s", f"sqlite:///{tmp_path}/none.db", (TableSync("t", "t"),), Topics("s"))
    report = verify(lone)
    assert (report.outcome, report.exit_code) == (Outcome.UNKNOWN, 3)
    assert "has no `target:`" in report.reason
    p = pipe("postgres", "postgres", "t")
    p.both("CREATE TABLE t (id int PRIMARY KEY, v int)")
    p.start()
    assert "no table other" in verify(p.stream, tables=["other"]).reason
    elsewhere = replace(p.stream, tables=(TableSync("t", "gone"),))
    assert "the target's table gone" in verify(elsewhere).reason
    p.target("ALTER TABLE t RENAME id TO number")
    assert "key" in verify(p.stream).reason
    with pytest.raises(ReconcileError, match="mongodb"):
        from cdc.reconcile.dialects import database_of

        database_of("mongodb://user:secret@host/db")


def test_a_collation_that_takes_keys_for_equal_hides_no_difference(pipe):
    """MariaDB finds `A` where `a` is asked for, and `a ` too."""
    p = pipe("postgres", "mariadb", "k")
    p.source("CREATE TABLE k (id varchar(20) PRIMARY KEY, v int)")
    p.target("CREATE TABLE k (id varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY, v int)")
    p.source("INSERT INTO k VALUES ('a', 1), ('b', 1), ('c', 1)")
    p.start()
    assert verify(p.stream).outcome is Outcome.EQUAL
    p.target("UPDATE k SET id = 'A' WHERE id = 'a'", "UPDATE k SET id = 'b ' WHERE id = 'b'")
    found = verify(p.stream).tables[0]
    assert {(d.kind, d.key) for d in found.differences} == {
        (Lack.MISSING, ("a",)), (Lack.EXTRA, ("A",)),
        (Lack.MISSING, ("b",)), (Lack.EXTRA, ("b ",)),
    }  # fmt: skip


def test_why_a_barrier_does_not_arrive(pipe):
    p = pipe("postgres", "postgres", "child", "parent")
    p.both("CREATE TABLE parent (id int PRIMARY KEY)")
    p.source("CREATE TABLE child (id int PRIMARY KEY, parent int)")
    p.target("CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent)")
    p.start()
    p.target("ALTER TABLE child RENAME parent TO other")
    p.source("INSERT INTO child VALUES (1, 1)")
    quick = Options(barrier_within=1.0)

    def stopped():
        return "the applier has stopped" in (verify(p.stream, options=quick).reason or "")

    until(stopped, "the applier's reason")
    p.target("UPDATE strangler_stream SET state = 'running'")
    p.stop("applier")
    assert "no applier" in verify(p.stream, options=quick).reason
    p.target("DELETE FROM strangler_applied")
    assert "read anything yet" in verify(p.stream, options=quick).reason
    p.target("DROP TABLE strangler_applied")
    assert "read anything yet" in verify(p.stream, options=quick).reason
