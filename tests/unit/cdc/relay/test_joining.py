"""Tables that join a stream and leave it, on a log in memory."""

import dataclasses
import json

import pytest
from support.relays import REVIEW, World, until

from cdc.change import Identity
from cdc.checkpoint import Checkpoint
from cdc.config.model import Limits
from cdc.relay.chunks import ChunkReader
from cdc.relay.joining import joined
from cdc.relay.ports import SourceError
from cdc.relay.relay import RelayError, Wanted
from cdc.snapshot import ADDED, INITIAL, Run

SHOP = dataclasses.replace(REVIEW, table="shop", name="shop")


def checkpoint(*tables, **more):
    return Checkpoint(Identity.of(log="1"), 1, 11, 4, prefix="shop", tables=tables, **more)


def grown(*rows):
    """A world whose stream has been without the table `shop`, which has rows."""
    world = World((REVIEW, SHOP))
    both = world.stream
    world.stream = dataclasses.replace(both, tables=both.tables[:1])
    world.control.fill("review", (1, 1, "a"))
    world.control.fill("shop", *rows)
    with world.relaying():
        until(lambda: world.markers("complete"), "the first snapshot")
    return world, both


def complete(world, times):
    until(lambda: len(set(world.markers("complete"))) >= times, f"{times} snapshots")


@pytest.mark.parametrize("delivery_of_rows", [True, False])
def test_what_joins_gets_a_run_and_what_left_is_forgotten(delivery_of_rows):
    stream = World((REVIEW, SHOP)).stream
    kept = checkpoint(
        "review", "gone", runs=(Run(INITIAL, "gone", (3,)), Run("snapshot-7", "review")),
        dead=(("shop.gone", "k"), ("shop.review", "k")),
    )  # fmt: skip
    after = joined(kept, stream, rows=delivery_of_rows)
    added = (Run(ADDED, "shop"),) if delivery_of_rows else ()
    assert after.tables == ("review", "shop")
    assert after.runs == (Run("snapshot-7", "review"), *added)
    assert after.dead == (("shop.review", "k"),)
    assert joined(after, stream, rows=True) == after


def test_a_checkpoint_of_an_earlier_version_knows_the_tables_that_it_meets():
    stream = World((REVIEW, SHOP)).stream
    body = json.loads(checkpoint("review").to_bytes())
    del body["tables"]
    old = Checkpoint.from_bytes(json.dumps(body).encode())
    assert old.tables is None
    after = joined(old, stream, rows=True)
    assert (after.tables, after.runs) == (("review", "shop"), ())
    assert Checkpoint.from_bytes(after.to_bytes()) == after


def test_a_table_that_joins_is_copied_by_the_next_start_and_once():
    world, both = grown((1, 1, "old"), (2, 1, "old"))
    world.stream = both
    for _ in range(2):
        with world.relaying():
            complete(world, 2)
            world.control.put("shop", (9, 9, "new"))
            until(lambda: world.copy("shop.shop") == world.rows("shop"), "the copy")
    assert len([1 for _, key, _ in world.sent("r")]) == 3, "one of review, two of shop"
    assert Checkpoint.from_bytes(world.checkpoints.load()).tables == ("review", "shop")


@pytest.mark.parametrize("why", ["reverse", "no snapshot"])
def test_its_rows_stay_where_nobody_wants_them(why):
    world, both = grown((1, 1, "old"))
    world.stream = dataclasses.replace(both, reverse=why == "reverse")
    for wanted in (Wanted(snapshot=why == "reverse"), Wanted()):
        with world.relaying(wanted):
            seq = world.control.mark("shop", "barrier", "{}")
            until(lambda s=seq: s in world.markers("barrier"), "a marker")
    assert world.sent("r") == [("r", {"id": 1}, {"id": 1, "stars": 1, "body": "a"})]


def test_one_that_left_and_comes_back_is_copied_again():
    world, both = grown((1, 1, "old"))
    one = world.stream
    for number, tables in enumerate((both, one, both), 2):
        world.stream = tables
        with world.relaying():
            complete(world, 2 + number // 4)
            if tables is one:
                world.control.put("shop", (1, 5, "missed"))
                seq = world.control.mark("shop", "barrier", "{}")
                until(lambda s=seq: s in world.markers("barrier"), "what nobody reads")
    assert world.copy("shop.shop") == world.rows("shop")


def test_a_table_that_is_not_there_stops_the_relay_with_a_sentence():
    world, both = grown()
    del world.control.relations["shop"]
    world.stream = both
    with pytest.raises(RelayError, match="no table shop"), world.relaying() as failed:
        until(lambda: failed, "its end")


def test_nothing_is_read_while_somebody_writes_who_began_before_the_log_had_the_table():
    world = World()
    world.control.fill("review", (1, 1, "a"))
    world.control.writers = frozenset({"4/7", "5/1"})
    reader = ChunkReader(world.control.connect, "shop", 1, Limits(chunk=3), {"review": ()})
    reader.start(Run(ADDED, "review"))
    try:
        world.control.writers = frozenset({"5/1", "6/1"})
        until(lambda: world.control.asked > 3, "some looks")
        assert world.control.seq == 0
        world.control.writers = frozenset({"6/1", "7/1"})  # of those that came later nobody waits
        until(lambda: world.control.seq == 2, "the chunk")
    finally:
        reader.close()


@pytest.mark.parametrize("run", [Run(INITIAL, "review"), Run(ADDED, "review", after=(0,))])
def test_other_runs_wait_for_nobody(run):
    world = World()
    world.control.writers = frozenset({"4/7"})
    reader = ChunkReader(world.control.connect, "shop", 1, Limits(chunk=3), {"review": ()})
    reader.start(run)
    try:
        until(lambda: world.control.seq == 2, "the chunk")
    finally:
        reader.close()


def test_a_failure_to_copy_it_is_not_forgotten():
    world, both = grown((1, 1, "old"))
    world.stream = both
    world.control.failure = SourceError("no rights", temporary=False)
    with pytest.raises(RelayError, match="no rights"), world.relaying() as failed:
        until(lambda: failed, "its end")
    world.control.failure = None
    with world.relaying():
        complete(world, 2)
    assert world.copy("shop.shop") == world.rows("shop")
