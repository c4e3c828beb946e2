"""Where a copy hands over to the log: transactions that are open while a stream begins."""

import threading
from dataclasses import replace

import psycopg
import pytest
from support.databases import logical_postgres
from support.pipes import assert_equal, until

from cdc.config.model import Limits
from cdc.envelope import decode, decode_id
from cdc.kafka.sink import KafkaSink
from cdc.relay.ports import SinkError
from cdc.relay.relay import RelayError
from cdc.sources import open_preflight

TABLE = "CREATE TABLE review (id int PRIMARY KEY, stars int, body text)"
FILL = "INSERT INTO review SELECT i, 0, 'old' FROM generate_series(1, 60) i"


def test_transactions_that_are_open_while_the_stream_begins(pipe, sql):
    """One is open when the slot is made, one begins while that waits; both write more later."""
    shop = pipe("review", ddl=[TABLE, FILL], limits=Limits(chunk=7))
    url = shop.stream.source
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        first.execute("INSERT INTO review VALUES (101, 1, 'first')")
        first.execute("DELETE FROM review WHERE id = 5")

        def awaited(session):
            """Wait until the slot that is being made waits for a session's transaction."""
            (xid,) = session.execute("SELECT pg_current_xact_id()::xid").fetchone()
            query = f"SELECT 1 FROM pg_locks WHERE NOT granted AND transactionid = '{xid}'"
            until(lambda: sql(query).fetchone(), "a slot that waits")

        def go_on():
            awaited(first)
            second.execute("UPDATE review SET stars = 2 WHERE id = 6")
            second.execute("INSERT INTO review VALUES (201, 2, 'second')")
            first.execute("UPDATE review SET stars = 1 WHERE id = 7")
            first.commit()
            awaited(second)
            second.execute("UPDATE review SET id = 208 WHERE id = 8")
            second.commit()

        others = threading.Thread(target=go_on)
        others.start()
        with shop.relaying():
            others.join()
            shop.snapshotted()
            assert_equal(shop)


def test_a_transaction_that_outlasts_the_whole_snapshot(pipe, sql):
    """It writes before, between and behind the chunks, and commits after the last."""
    shop = pipe("review", ddl=[TABLE, FILL], limits=Limits(chunk=7, rate=60))
    with shop.relaying() as counters, psycopg.connect(shop.stream.source) as long:
        for number in range(5):
            long.execute(f"UPDATE review SET stars = 9 WHERE id = {number * 12 + 1}")
            long.execute(f"INSERT INTO review VALUES ({500 + number}, 1, 'long')")
            long.execute(f"DELETE FROM review WHERE id = {number * 12 + 2}")
            sql(f"UPDATE review SET stars = 3 WHERE id = {number * 12 + 3}")
        shop.snapshotted()
        assert counters.transactions
        long.execute("UPDATE review SET body = 'last' WHERE id = 60")
        long.commit()
        assert_equal(shop)


def test_rows_that_share_one_place_in_the_log_have_numbers_of_their_own(pipe, sql):
    """COPY writes many rows into one record of the log."""
    shop = pipe("review", ddl=TABLE)
    with shop.relaying():
        with psycopg.connect(shop.stream.source) as session:
            with session.cursor().copy("COPY review FROM STDIN") as copy:
                for number in range(2_000):
                    copy.write(f"{number}\t1\tx\n")
            session.commit()
        records = assert_equal(shop)
    ids = [
        decode_id(dict(r.headers)["id"]) for r in records if decode(r.value)["op"] == "c"
    ]  # fmt: skip
    assert len({id_.position for id_ in ids}) == 1
    assert sorted(id_.index for id_ in ids) == list(range(2_000))


def test_another_server_with_the_same_tables_is_not_taken_for_the_source(pipe, sql, source):
    """A copy of the whole server has its slot and its tables, and another history."""
    shop = pipe("review", ddl=[TABLE, FILL])
    with shop.relaying():
        shop.snapshotted()
        assert_equal(shop)
    name = source.rpartition("/")[2].partition("?")[0]
    with logical_postgres() as other:
        url = other.create(name)
        with psycopg.connect(url, autocommit=True) as session:
            for statement in (TABLE, FILL):
                session.execute(statement)
        shop.stream = replace(shop.stream, source=url)
        preflight = open_preflight(shop.stream)
        preflight.apply()
        preflight.close()
        with psycopg.connect(url, autocommit=True) as session:
            session.execute(
                "SELECT pg_create_logical_replication_slot(%s, 'pgoutput')",
                (f"strangler_{shop.stream.name}",),
            )
        with pytest.raises(RelayError, match="--resnapshot"), shop.relaying():
            pass


def test_nothing_is_confirmed_while_kafka_does_not_take_it(pipe, sql, monkeypatch):
    shop = pipe("review", ddl=TABLE)
    slot = f"strangler_{shop.stream.name}"
    query = (
        "SELECT confirmed_flush_lsn - '0/0'::pg_lsn FROM pg_replication_slots"
        f" WHERE slot_name = '{slot}'"
    )
    with shop.relaying():
        assert_equal(shop)
        settle, lost, attempts = KafkaSink.settle, threading.Event(), []

        def settling(self, checkpoint, timeout):
            if lost.is_set():
                attempts.append(1)
                raise SinkError("nobody answers", temporary=True)
            settle(self, checkpoint, timeout)

        monkeypatch.setattr(KafkaSink, "settle", settling)
        lost.set()
        before = int(sql("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()[0])
        sql("INSERT INTO review VALUES (1, 1, 'a')")
        until(lambda: len(attempts) >= 3, "attempts")
        assert int(sql(query).fetchone()[0]) <= before
        lost.clear()
        assert_equal(shop)
