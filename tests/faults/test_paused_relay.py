"""A relay that stands still while another one takes over, and then wakes up."""

import signal

import psycopg
import pytest
from support.arriving import assert_arrives
from support.pipes import until
from support.writers import Mix, writing

from cdc.config.model import Delivery


@pytest.mark.parametrize("delivery", [Delivery.FENCED, Delivery.AT_LEAST_ONCE])
def test_a_relay_that_wakes_up_after_another_has_taken_over_gives_way(pipe, broker, delivery):
    shop = pipe(broker, delivery=delivery)
    name = shop.stream.name
    with writing(shop.stream.source, Mix(seed=51)) as writer, shop.process("run", name) as old:
        shop.snapshotted()
        before = newest(shop)
        old.send_signal(signal.SIGSTOP)
        seen = writer.commits
        until(lambda: writer.commits > seen + 50, "transactions that it does not see")
        # Its session holds the slot, as the server cannot know that nobody reads there.
        freed(shop)
        with shop.process("run", name) as new:
            until(lambda: newest(shop) > before or new.poll() is not None, "the new one's records")
            assert new.poll() is None, shop.log("run")[-3000:]
            old.send_signal(signal.SIGCONT)
            assert old.wait(60) == 1, "it gives way with an error"
            assert new.poll() is None
    assert "another" in shop.log("run")
    assert_arrives(shop)  # and nothing of the old one stands behind the new one's records


def freed(shop):
    """End the session that holds the slot, as the server does after wal_sender_timeout."""
    with psycopg.connect(shop.stream.source, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots"
            " WHERE slot_name = %s",
            (f"strangler_{shop.stream.name}",),
        ).fetchall()
    assert ended == [(True,)]


def newest(shop):
    """The epoch of the newest relay that has delivered."""
    return max(int(dict(record.headers)["epoch"]) for record in shop.read())
