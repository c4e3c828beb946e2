"""Exactly once on Apache Kafka: whatever is killed, no record is there twice for its readers."""

import psycopg
import pytest
from support.arriving import assert_arrives, incarnation
from support.writers import Mix, writing

from cdc.checkpoint import Checkpoint
from cdc.config.model import Delivery
from cdc.kafka.lookup import last_checkpoint

POINTS = ("before_produce", "after_produce", "after_settle", "after_checkpoint", "after_confirm")
MANY = 200_000
"""Rows that take longer than a transaction of Kafka's may last, however far the relay is behind."""
BIG = f"INSERT INTO tag SELECT 'big', i, repeat('x', 100) FROM generate_series(1, {MANY}) i"


@pytest.fixture
def exact(pipe, kafka):
    """Makes a stream that is delivered exactly once."""
    return lambda **more: pipe(kafka, delivery=Delivery.EXACTLY_ONCE, **more)


def sent(shop) -> Checkpoint:
    """The checkpoint that was committed with its records."""
    kept = last_checkpoint(shop.stream.kafka, f"{shop.stream.topics.prefix}.checkpoint")
    assert kept is not None
    return Checkpoint.from_bytes(kept)


@pytest.mark.parametrize("point", POINTS)
def test_a_relay_killed_there_doubles_nothing(exact, killed_at, point):
    shop = exact()
    with writing(shop.stream.source, Mix(seed=10 + POINTS.index(point))):
        killed_at(shop, "run", f"{point}:2")  # while the snapshot runs
        killed_at(shop, "run", f"{point}:4")
    assert_arrives(shop)


def test_a_transaction_greater_than_one_of_kafkas_goes_on_where_it_was(exact, killed_at):
    shop = exact()
    with shop.process("run", shop.stream.name):
        shop.snapshotted()
    with psycopg.connect(shop.stream.source) as connection:
        connection.execute(BIG)
    parts = []
    # Not each gets further: what is read again, up to there, may take one as long as it has.
    for _ in range(9):
        killed_at(shop, "run", "after_settle:2")
        parts.append(sent(shop).partial)
        if len(set(parts)) == 3:
            break
    records = assert_arrives(shop)
    cut = [part for part in parts if part]
    assert len({position for position, _ in cut}) == 1, f"it was not cut: {parts}"
    counts = [count for _, count in cut]
    assert len(set(counts)) > 1, f"none went on where another had come: {parts}"
    assert counts == sorted(counts), "one went back to before another had come"
    created = [r for r in records if b'"op":"c"' in r.value and b'"big"' in r.key]
    assert len(created) == MANY


def test_a_new_incarnation_is_one_of_its_own_also_if_it_is_killed(exact, killed_at):
    shop = exact()
    # What is deleted while no log is kept nobody learns of: that is for a comparison.
    with writing(shop.stream.source, Mix(seed=21, deletes=False)):
        killed_at(shop, "run", "after_settle:4")
        first = incarnation(shop)
        for point in ("before_produce:1", "after_settle:2", "after_checkpoint:1"):
            run = ("run", shop.stream.name, "--resnapshot")
            with shop.process(*run, STRANGLER_FAILPOINT=point) as relay:
                assert relay.wait(90) == -9, shop.log("run")[-4000:]
            killed_at(shop, "run", "after_settle:3")
    assert sent(shop).incarnation == first + 3
    assert_arrives(shop, after=first + 2)


def test_a_stream_may_change_its_delivery_and_back(exact):
    shop = exact()
    for delivery in (Delivery.EXACTLY_ONCE, Delivery.FENCED, Delivery.EXACTLY_ONCE):
        shop.with_(delivery=delivery)
        with writing(shop.stream.source, Mix(seed=22)), shop.relaying():
            shop.arrived(shop.barrier())
    assert_arrives(shop)
