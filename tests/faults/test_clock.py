"""Clocks that jump: only what is shown to people follows them."""

import signal
import time

import psycopg
import pytest
from support.arriving import assert_applied, assert_arrived, assert_ordered
from support.pipes import assert_equal, until
from support.writers import Mix, writing

DAY = 86_400


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_jumps_moves_nothing_else(pipe, broker, monkeypatch, days):
    shop = pipe(broker)
    now, now_ns, jump = time.time, time.time_ns, [0]
    monkeypatch.setattr(time, "time", lambda: now() + jump[0])
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + jump[0] * 10**9)
    with (
        writing(shop.stream.source, Mix(seed=70)) as writer,
        shop.relaying() as counters,
        shop.applying(),
    ):
        for jumped in (days * DAY, 0, days * DAY):
            jump[0] = jumped
            seen, streamed = writer.commits, counters.transactions
            until(lambda n=seen: writer.commits > n + 20, "some transactions")
            until(lambda n=streamed: counters.transactions > n + 20, "transactions that stream on")
        with writer.resting():
            shop.snapshotted()
            assert_ordered(assert_equal(shop))
            assert_applied(shop, shop.barrier())


# What a session finds before PostgreSQL's own function of that name.
CLOCK = (
    "CREATE SCHEMA jump",
    "CREATE TABLE jump.by (days int)",
    "INSERT INTO jump.by VALUES (0)",
    "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS"
    " 'SELECT pg_catalog.clock_timestamp() + make_interval(days => days) FROM jump.by'",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog',"
    " current_database()); END $$",
)


@pytest.mark.parametrize("days", [-1, 1])
def test_a_targets_clock_that_jumps_leaves_no_lease_behind(pipe, broker, days):
    """An applier dies just before: the next one waits as long as ever, and no day."""
    shop = pipe(broker)
    name, target = shop.stream.name, shop.stream.target
    run(target, *CLOCK)
    held = "SELECT count(*) FROM strangler_applied WHERE lease_owner LIKE '%/{}/%'"
    with writing(shop.stream.source, Mix(seed=71)) as writer, shop.process("run", name) as relay:
        shop.snapshotted()
        with shop.process("apply", name) as applier:
            until(lambda: holds(target, held.format(applier.pid)), "an applier that holds all")
            run(target, f"UPDATE jump.by SET days = {days}")
            seen = writer.commits
            until(lambda: writer.commits > seen + 20, "some transactions")
            run(target, "UPDATE jump.by SET days = 0")
            until(lambda: writer.commits > seen + 40, "some transactions")
            applier.send_signal(signal.SIGKILL)
            assert applier.wait(30) == -signal.SIGKILL
        run(target, f"UPDATE jump.by SET days = {days}")
        with writer.resting(), shop.process("apply", name) as applier:
            assert_arrived(shop, 45, relay=relay, applier=applier)


def run(url, *statements):
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def holds(url, query):
    with psycopg.connect(url) as connection:
        try:
            return connection.execute(query).fetchone() == (6,)
        except psycopg.errors.UndefinedTable:
            return False
