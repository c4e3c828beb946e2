"""A table that joins a running stream: set up, copied, called filled, in this order."""

from __future__ import annotations

import contextlib
import itertools
import signal
import threading
from contextlib import closing
from dataclasses import replace

import pytest
from support.matrix import sampled
from support.pipes import until

from cdc.applier import state
from cdc.applier.targets import open_target
from cdc.config.model import Limits, TableSync
from cdc.sources import open_preflight
from tests.integration.cdc.pipes.sides import running, set_up, settled

KINDS = ["postgresql", "limited", "mariadb", "sqlite"]
STATE = ["postgresql", "mariadb", "sqlite"]
POINTS = ["after_checkpoint:1", "after_produce:6", "after_settle:9"]
ROWS = 300


def tables(*names):
    return tuple(TableSync(name, name) for name in names)


def sql(kind, name):
    text = "VARCHAR(100)" if kind == "mariadb" else "text"
    return f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, body {text})"


def fill(side, name, first, count=ROWS, body="old"):
    side.run(*(f"INSERT INTO {name} VALUES ({n}, '{body}')" for n in range(first, first + count)))


def filled(pipe):
    engine = open_target(pipe.stream.target, "tests").engine
    try:
        with engine.connect() as connection:
            return state.filled(connection, pipe.stream.name)
    finally:
        engine.dispose()


@pytest.fixture
def shop(request, side, pipe):
    """A stream of one table that has been copied; beside it another one, full at the source."""
    old, new = side(request.param), side("sqlite" if request.param == "sqlite" else "postgresql")
    for name in ("review", "answer"):
        old.run(sql(old.kind, name))
        new.run(sql(new.kind, name))
        fill(old, name, 0)
    there = pipe(old, new, "review", limits=Limits(chunk=50))
    with running(there):
        settled(there)
    return old, new, there


@contextlib.contextmanager
def writing(side, name):
    """Somebody who goes on writing new and old rows, one transaction after the other."""
    stop, failed = threading.Event(), []

    def write():
        number = 10_000
        try:
            while not stop.wait(0.005):
                side.run(
                    f"INSERT INTO {name} VALUES ({number}, 'new')",
                    f"UPDATE {name} SET body = 'newer {number}' WHERE id = {number % ROWS}",
                    f"DELETE FROM {name} WHERE id = {number - 20} AND id >= 10000",
                )
                number += 1
        except Exception as error:  # noqa: BLE001 - raised where the block ends
            failed.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
    assert not failed, failed


@pytest.mark.parametrize("shop", sampled(KINDS, "limited", "sqlite"), indirect=True)
def test_its_rows_come_under_writers_and_then_it_is_filled(shop):
    old, new, there = shop
    there.with_(tables=tables("review", "answer"))
    assert filled(there) == {"review"}
    with writing(old, "answer"):
        set_up(there)
        with running(there):
            until(lambda: filled(there) == {"review", "answer"}, "a filled table")
            assert set(range(ROWS)) <= set(new.rows("answer")), "called filled before it was"
    with running(there):
        settled(there)
    assert old.rows("answer") == new.rows("answer")
    reads = [
        r for r in there.read() if b'"op":"r"' in (r.value or b"") and r.topic.endswith("review")
    ]
    assert len(reads) == ROWS, "the other table is not copied again"


@pytest.mark.parametrize("shop", ["postgresql", "sqlite"], indirect=True)
def test_without_its_preparation_the_relay_stops_with_a_sentence(shop):
    _, _, there = shop
    there.with_(tables=tables("review", "answer"))
    with there.process("run", there.stream.name) as relay:
        assert relay.wait(60) == 1, there.log("run")
    said = there.log("run")
    assert "answer" in said
    assert "strangler cdc init" in said
    done = there.command("init", there.stream.name, "--apply")
    assert done.returncode == 0, done.stdout + done.stderr
    with running(there):
        settled(there)


@pytest.mark.parametrize(
    ("shop", "point"),
    sampled(
        itertools.product(STATE, POINTS),
        ("postgresql", POINTS[0]), ("mariadb", POINTS[1]), ("sqlite", POINTS[2]),
    ),
    indirect=["shop"],
)  # fmt: skip
def test_a_relay_that_is_killed_does_not_forget_it(shop, point):
    old, new, there = shop
    there.with_(tables=tables("review", "answer"))
    set_up(there)
    with there.process("run", there.stream.name, STRANGLER_FAILPOINT=point) as relay:
        assert relay.wait(90) == -signal.SIGKILL, there.log("run")
    with running(there):
        settled(there)
    assert old.rows("answer") == new.rows("answer")


@pytest.mark.parametrize("shop", sampled(STATE, "mariadb"), indirect=True)
def test_one_that_left_and_comes_back_is_copied_again_and_not_filled_before(shop):
    old, new, there = shop
    both, one = tables("review", "answer"), tables("review")
    there.with_(tables=both)
    set_up(there)
    with running(there):
        settled(there)
    there.with_(tables=one)
    with closing(open_preflight(there.stream)) as preflight:
        preflight.apply()
    with running(there):
        settled(there)
        assert filled(there) == {"review"}, "a service would call a copy ready that nobody keeps"
        old.run("UPDATE answer SET body = 'missed'", "INSERT INTO answer VALUES (5000, 'missed')")
        settled(there)
    there.with_(tables=both)
    set_up(there)
    with there.applying():  # all that is in the topic, which was complete once
        until(lambda: arrives(there), "the old records")
        assert filled(there) == {"review"}
    with running(there):
        settled(there)
        assert filled(there) == {"review", "answer"}
    assert old.rows("answer") == new.rows("answer")


def arrives(there):
    """Whether the applier has read every topic to its end."""
    engine = open_target(there.stream.target, "tests").engine
    try:
        with engine.connect() as connection:
            places = state.positions(connection, there.stream.name)
    finally:
        engine.dispose()
    ends = {}
    for record in there.read():
        ends[record.topic, record.partition] = record.offset
    known = {each: place.next_offset or 0 for each, place in places.items()}
    return all(known.get(each, 0) > offset for each, offset in ends.items())


@pytest.mark.parametrize("shop", ["postgresql"], indirect=True)
def test_the_way_back_copies_nothing_of_it(shop):
    _, _, there = shop
    back = replace(there.stream, tables=tables("review", "answer"), reverse=True)
    there.stream = back
    set_up(there)
    with there.relaying():
        there.arrived(there.barrier())
    assert not [r for r in there.read() if r.topic.endswith("answer") and b'"op":"r"' in r.value]


@pytest.mark.parametrize("shop", ["postgresql"], indirect=True)
def test_a_transaction_that_wrote_before_the_log_had_the_table_is_waited_for(shop):
    """Half of it is not in the log for the stream, and no chunk contains it before its end."""
    old, new, there = shop
    there.with_(tables=tables("review", "answer"))
    with old.engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("INSERT INTO answer VALUES (7000, 'before')")
        connection.exec_driver_sql("UPDATE answer SET body = 'before' WHERE id = 1")
        set_up(there)
        with running(there):
            connection.exec_driver_sql("INSERT INTO answer VALUES (7001, 'behind')")
            there.arrived(there.barrier())
            assert filled(there) == {"review"}
            old.run("INSERT INTO answer VALUES (7002, 'another')")
            transaction.commit()
            until(lambda: filled(there) == {"review", "answer"}, "a filled table")
            old.run("UPDATE answer SET body = 'afterwards' WHERE id = 2")
            settled(there)
            assert old.rows("answer") == new.rows("answer")
