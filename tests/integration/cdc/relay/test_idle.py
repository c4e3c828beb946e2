"""Streams whose tables rest: the log goes all the same, and hardly anything is done for it."""

import os
import signal
import time

import psutil
import psycopg
import pytest
from support.pipes import until

from cdc.config.model import Limits
from cdc.relay.relay import RelayError

TABLE = "CREATE TABLE review (id int PRIMARY KEY, stars int)"
OTHER = "CREATE TABLE other (id serial, body text)"
MUCH = "INSERT INTO other (body) SELECT repeat('x', 1000) FROM generate_series(1, 5000)"
"""Five megabytes of log."""
RETAINED = (
    "SELECT pg_current_wal_lsn() - restart_lsn, pg_current_wal_lsn() - confirmed_flush_lsn"
    " FROM pg_replication_slots WHERE slot_name = '{}'"
)


def released(shop, sql):
    """Wait until the slot keeps hardly anything."""
    slot = RETAINED.format(f"strangler_{shop.stream.name}")

    def low():
        sql("CHECKPOINT")  # logs what runs, from which a slot's place may move
        kept, behind = sql(slot).fetchone()
        time.sleep(0.1)
        return kept < 1_000_000 and behind < 1_000_000

    until(low, "a slot that has let the log go")


def test_a_stream_at_rest_lets_the_log_of_others_go(pipe, sql):
    shop = pipe("review", ddl=[TABLE, OTHER, "INSERT INTO review VALUES (1, 1)"], heartbeat=0.3)
    with shop.relaying():
        shop.snapshotted()
        for _ in range(4):
            sql(MUCH)
        released(shop, sql)
    rows = [r for r in shop.read() if not r.key.startswith(b'{"marker"')]
    assert len(rows) == 1, "nothing of the stream's was written meanwhile"


def test_a_database_at_rest_lets_the_log_of_another_go(pipe, sql, cluster, source):
    other = cluster.create(f"o{os.urandom(6).hex()}")
    shop = pipe("review", ddl=TABLE, heartbeat=0.3)
    with shop.relaying(), psycopg.connect(other, autocommit=True) as elsewhere:
        elsewhere.execute(OTHER)
        for _ in range(4):
            elsewhere.execute(MUCH)
        released(shop, sql)


def test_an_outbox_at_rest_keeps_no_log(pipe, sql):
    shop = pipe(
        "review", outbox="outbox", heartbeat=0.3,
        ddl=[TABLE, OTHER, "CREATE TABLE outbox (id bigint PRIMARY KEY, aggregatetype text,"
                           " aggregateid text, type text, payload jsonb)"],
    )  # fmt: skip
    with shop.relaying():
        for _ in range(4):
            sql(MUCH)
        released(shop, sql)


def test_a_log_that_grows_behind_a_relay_is_given_up_and_the_disk_survives(pipe, sql):
    """Here something open keeps the log, which no relay could let go."""
    shop = pipe("review", ddl=[TABLE, OTHER], heartbeat=0.3,
                limits=Limits(retained_warn=1_000_000, retained_stop=8_000_000))  # fmt: skip
    with pytest.raises(RelayError, match=r"limits\.retained_stop.*--resnapshot"):
        with shop.relaying() as counters, psycopg.connect(shop.stream.source) as open_:
            open_.execute("INSERT INTO review VALUES (5, 5)")
            slots = RETAINED.format(f"strangler_{shop.stream.name}")

            def gone():
                sql(MUCH)
                return sql(slots).fetchone() is None

            until(gone, "a slot that is gone")
        assert counters.retained >= 8_000_000


def test_a_relay_at_rest_leaves_the_processor_alone(pipe, sql):
    shop = pipe("review", ddl=TABLE, heartbeat=1.0)
    name = shop.stream.name
    with shop.process("run", name) as relay:
        shop.snapshotted()
        heartbeats(sql, name, 1)
        process, began = psutil.Process(relay.pid), time.monotonic()
        before = process.cpu_times()
        heartbeats(sql, name, 4)
        after, took = process.cpu_times(), time.monotonic() - began
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(30) == 0
    used = after.user + after.system - before.user - before.system
    assert used < 0.2 * took, f"{used:.2f} s of {took:.1f}"


def heartbeats(sql, name, count):
    """Wait until the stream's place in the log has moved so often."""
    slot = (
        f"SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'strangler_{name}'"
    )
    for _ in range(count):
        before = sql(slot).fetchone()
        until(lambda b=before: sql(slot).fetchone() != b, "the next heartbeat")
