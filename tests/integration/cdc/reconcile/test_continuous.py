"""A walk that goes on for as long as the stream does."""

import threading

from cdc.reconcile.continuous import Budget, Position, continuous
from cdc.reconcile.desk import Options

FAST = Budget(rows_per_second=1e6, share=1.0, lap=0.0)
SMALL = Options(range_rows=10)


def test_each_difference_is_told_once_until_it_was_gone(pipe):
    p = pipe("postgres", "postgres", "t", "u")
    p.both("CREATE TABLE t (id int PRIMARY KEY, a text)",
           "CREATE TABLE u (id text PRIMARY KEY, a text)")  # fmt: skip
    p.source("INSERT INTO t SELECT i, 'x' FROM generate_series(1, 35) i",
             "INSERT INTO u SELECT i\\:\\:text, 'x' FROM generate_series(1, 35) i")  # fmt: skip
    p.start()
    p.target("UPDATE t SET a = 'y' WHERE id = 12", "DELETE FROM u WHERE id = '7'")
    stop = threading.Event()
    walk = continuous(p.stream, FAST, stop, options=SMALL)

    def lap():
        """Looks up to and with that at the last table."""
        found = []
        while not found or found[-1].table != "u":
            found.append(next(walk))
        return found

    first = lap()
    assert [look.rows for look in first] == [10, 10, 10, 5, 35]
    assert [look.next for look in first[:2]] == [Position("t", ("10",)), Position("t", ("20",))]
    assert [(look.table, d.key) for look in first for d in look.new] == [
        ("t", (12,)), ("u", ("7",)),
    ]  # fmt: skip
    assert [d for look in lap() for d in look.new] == []
    p.target("UPDATE t SET a = 'x' WHERE id = 12")
    assert [d for look in lap() for d in look.new] == []
    p.target("UPDATE t SET a = 'y' WHERE id = 12", "UPDATE t SET a = 'y' WHERE id = 31")
    assert {d.key for look in lap() for d in look.new} == {(12,), (31,)}
    stop.set()
    assert list(walk) == []


def test_it_goes_on_where_the_caller_says_and_tells_why_it_cannot(pipe):
    p = pipe("postgres", "postgres", "t")
    p.both("CREATE TABLE t (id int PRIMARY KEY, a text)")
    p.source("INSERT INTO t SELECT i, 'x' FROM generate_series(1, 35) i")
    p.start()
    stop = threading.Event()
    walk = continuous(p.stream, FAST, stop, resume=Position("t", ("20",)), options=SMALL)
    assert [next(walk).rows for _ in range(4)] == [10, 5, 10, 10]
    walk.close()
    p.stop("applier")
    quick = Options(barrier_within=0.5)
    walk = continuous(p.stream, FAST, stop, resume=Position("t", ("20",)), options=quick)
    look = next(walk)
    assert look.rows == 0
    assert "no applier" in look.reason
    assert look.next == Position("t", ("20",))
    stop.set()
    assert list(walk) == []
