"""Slots that are dropped, lost or made anew while the relay needs them."""

import psycopg
import pytest
from support.arriving import assert_arrived, incarnation
from support.databases import logical_postgres
from support.pipes import until
from support.writers import Mix, writing

from cdc.relay.relay import RelayError


@pytest.fixture(scope="module")
def cluster():
    """A server that keeps hardly any log for its slots."""
    with logical_postgres(settings="max_slot_wal_keep_size = 1MB\n") as server:
        yield server


def slot(shop):
    return f"strangler_{shop.stream.name}"


def run(url, *statements):
    with psycopg.connect(url, autocommit=True) as connection:
        return [connection.execute(*each).fetchall() for each in statements]


UNREAD = "INSERT INTO review VALUES (900, 1, 'nobody reads of it') RETURNING id"


def assert_taken_anew(shop):
    """It stops with the remedy, and the remedy helps, while a writer writes."""
    name, first = shop.stream.name, incarnation(shop)
    with pytest.raises(RelayError, match=f"cdc run {name} --resnapshot"), shop.relaying():
        pass
    with (
        writing(shop.stream.source, Mix(seed=31, deletes=False)) as writer,
        shop.process("run", name, "--resnapshot") as relay,
        shop.process("apply", name) as applier,
    ):
        until(lambda: writer.commits > 50 or relay.poll() is not None, "some transactions")
        with writer.resting():
            assert_arrived(shop, 90, first, relay=relay, applier=applier)


def test_a_slot_that_was_dropped_stops_the_relay_until_a_new_snapshot(pipe, broker):
    shop = pipe(broker)
    with shop.process("run", shop.stream.name):
        shop.snapshotted()
    run(shop.stream.source, ("SELECT pg_drop_replication_slot(%s)", (slot(shop),)), (UNREAD,))
    assert_taken_anew(shop)


def test_a_slot_that_was_made_anew_is_noticed(pipe, broker):
    shop = pipe(broker)
    with shop.process("run", shop.stream.name):
        shop.snapshotted()
    made = "SELECT pg_create_logical_replication_slot(%s, 'pgoutput')::text"
    drop = ("SELECT pg_drop_replication_slot(%s)", (slot(shop),))
    run(shop.stream.source, drop, (UNREAD,), (made, (slot(shop),)))
    assert_taken_anew(shop)


def test_a_slot_that_lost_its_log_stops_the_relay_until_a_new_snapshot(pipe, broker, cluster):
    shop = pipe(broker)
    with shop.process("run", shop.stream.name):
        shop.snapshotted()
    run(shop.stream.source, (UNREAD,))
    status = ("SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s", (slot(shop),))

    def lost():
        with psycopg.connect(shop.stream.source, autocommit=True) as connection:
            connection.execute("SELECT pg_logical_emit_message(false, 'f', repeat('x', 1000000))")
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")
            return connection.execute(*status).fetchone() == ("lost",)

    until(lost, "a slot that has lost its log")
    assert_taken_anew(shop)
