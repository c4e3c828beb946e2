"""How a relay starts, and which failures it outlives."""

import threading
from dataclasses import replace

import pytest
from support.relays import World, stream, until

from cdc.change import Identity
from cdc.checkpoint import Checkpoint, CheckpointError
from cdc.relay.ports import SinkError, SourceError
from cdc.relay.relay import RelayError, Wanted

NOTHING = Wanted(snapshot=False)


class Patience(threading.Event):
    """A stop that is set after so many waits, and notes them."""

    def __init__(self, times):
        super().__init__()
        self.times, self.waits = times, []

    def wait(self, timeout=None):
        self.waits.append(timeout)
        if len(self.waits) == self.times:
            self.set()
        return self.is_set()


def failing(error):
    def make(_source):
        raise error

    return make


TEMPORARY = [
    SourceError("it restarts", temporary=True),
    SinkError("it restarts", temporary=True),
    CheckpointError("it restarts"),
]
PERMANENT = [
    SourceError("the log is gone", temporary=False),
    SinkError("another relay runs", temporary=False, fenced=True),
    CheckpointError("another relay has started", replaced=True),
    CheckpointError("it is damaged", temporary=False),
]


@pytest.mark.parametrize("error", TEMPORARY)
def test_what_may_heal_is_tried_again_with_growing_bounded_waits(error):
    stop = Patience(12)
    World().relay(make=failing(error)).run(stop)
    assert stop.waits[0] <= 0.2
    assert stop.waits[6] > stop.waits[0]
    assert 15.0 <= stop.waits[-1] <= 30.0


def test_a_session_that_lasted_makes_the_next_wait_short(monkeypatch):
    monkeypatch.setattr("cdc.relay.relay._CALM", -1.0)
    stop = Patience(12)
    World().relay(make=failing(TEMPORARY[0])).run(stop)
    assert max(stop.waits) <= 0.2


@pytest.mark.parametrize("error", PERMANENT)
def test_what_cannot_heal_ends_the_relay_with_its_sentence(error):
    with pytest.raises(RelayError, match=str(error)):
        World().relay(make=failing(error)).run(threading.Event())


def test_the_first_start_begins_at_the_end_of_the_log():
    world = World()
    world.control.put("review", (1, 1, "a"))
    with world.relaying(NOTHING):
        until(lambda: world.reports, "a report")
    kept = Checkpoint.from_bytes(world.checkpoints.load())
    assert (kept.incarnation, kept.partitions, kept.resume) == (1, 4, 11)
    assert world.source.resumed == [None]
    assert world.sent() == []


def test_a_later_start_goes_on_behind_the_last_checkpoint():
    world = World()
    with world.relaying(NOTHING):
        world.control.put("review", (1, 1, "a"))
        until(world.sent, "the record")
    world.control.put("review", (2, 2, "b"))
    with world.relaying():
        until(lambda: len(world.sent()) == 2, "the other")
    assert world.copy() == world.rows()
    assert [key["id"] for _, key, _ in world.sent()] == [1, 2]


def test_both_ends_are_closed_with_each_session():
    world = World()
    world.source.failure = SourceError("it restarts", temporary=True)
    with world.relaying(NOTHING):
        world.control.put("review", (1, 1, "a"))
        until(world.sent, "the record")
    assert world.source.closed == world.sink.closed == world.epoch == 2


def started(world, **more):
    given = {"incarnation": 3, "resume": 0, "partitions": 4} | more
    world.checkpoints.saved = [Checkpoint(Identity.of(log="1"), **given).to_bytes()]
    return world


def test_another_log_is_refused():
    world = started(World())
    world.source.facts = {"log": "2"}
    with pytest.raises(RelayError, match=r"log was 1, is 2.*--resnapshot"):
        world.relay().run(threading.Event())
    assert world.source.resumed == [], "nothing of it was read"


def test_another_number_of_partitions_is_refused():
    world = started(World(), partitions=3)
    with pytest.raises(RelayError, match="write `partitions: 3`"):
        world.relay().run(threading.Event())


def test_a_new_incarnation_copies_anew():
    world = started(World(), dead=(("shop.review", "{}"),))
    world.source.facts = {"log": "2"}
    world.control.fill("review", (1, 1, "a"))
    with world.relaying(Wanted(resnapshot=True)):
        until(lambda: world.markers("complete"), "the copy")
    kept = Checkpoint.from_bytes(world.checkpoints.load())
    assert (kept.incarnation, kept.partitions, kept.dead) == (4, 4, ())
    assert kept.identity == Identity.of(log="2")


def test_a_new_incarnation_begins_once_even_if_the_first_try_fails():
    world = started(World())
    world.checkpoints.failure = CheckpointError("the store restarts")
    with world.relaying(Wanted(resnapshot=True)):
        until(lambda: world.epoch == 2 and world.reports, "the second session")
        world.source.failure = SourceError("it restarts", temporary=True)
        until(lambda: world.epoch == 3 and world.source.failure is None, "the third")
        world.control.put("review", (1, 1, "a"))
        until(lambda: world.sent("c"), "a record")
    assert Checkpoint.from_bytes(world.checkpoints.load()).incarnation == 4


def test_a_stream_that_was_undone_starts_anew_in_a_newer_incarnation():
    world = started(World())
    kept = Checkpoint.from_bytes(world.checkpoints.load()).forgotten()
    world.checkpoints.saved = [kept.to_bytes()]
    world.source.facts = {"log": "2"}
    with world.relaying(NOTHING):
        until(lambda: world.reports, "a report")
    assert Checkpoint.from_bytes(world.checkpoints.load()).incarnation == 4


def test_a_damaged_checkpoint_ends_the_relay_with_a_sentence():
    for damaged in (b"no json", b"[]", b"{}"):
        world = World()
        world.checkpoints.saved = [damaged]
        with pytest.raises(RelayError, match="cannot be read"):
            world.relay().run(threading.Event())


def test_the_way_back_copies_nothing_at_its_first_start():
    world = World(reverse=True)
    world.control.fill("review", (1, 1, "a"))
    with world.relaying():
        until(lambda: world.reports, "a report")
    assert Checkpoint.from_bytes(world.checkpoints.load()).runs == ()


def test_the_log_is_given_up_while_kafka_is_away():
    world = World()
    world.source.kept = stream().limits.retained_stop
    with pytest.raises(RelayError, match="--resnapshot"):
        world.relay(make=failing(SinkError("no broker", temporary=True))).run(threading.Event())
    assert world.source.released == 1


def test_who_cannot_reach_its_source_fences_nobody():
    world = World()
    world.source.unreachable = SourceError("no route to it", temporary=True)
    world.relay().run(Patience(3))
    assert (world.epoch, world.sink.opened) == (0, 0), "nothing was claimed, nobody was fenced"
    assert world.source.closed == 3


def test_who_may_not_go_on_fences_nobody():
    for facts, partitions in (({"log": "2"}, 4), ({"log": "1"}, 3)):
        world = started(World(), partitions=partitions)
        world.source.facts = facts
        with pytest.raises(RelayError):
            world.relay().run(threading.Event())
        assert (world.epoch, world.sink.opened) == (0, 0)


def test_a_way_back_is_told_the_command_that_a_person_types():
    world = started(World(reverse=True))
    world.stream = replace(world.stream, name="shop-reverse")
    world.source.facts = {"log": "2"}
    with pytest.raises(RelayError, match="`strangler cdc run shop --reverse --resnapshot`"):
        world.relay().run(threading.Event())
    world.checkpoints.saved = [b"{}"]
    with pytest.raises(RelayError, match="`strangler cdc init shop --reverse --undo`"):
        world.relay().run(threading.Event())


def test_an_end_is_told_with_its_reason():
    world = World()
    with world.relaying(NOTHING):
        until(lambda: world.reports, "a report")
        assert world.ended == []
    assert world.ended == [""]
    world.source.facts = {"log": "2"}
    with pytest.raises(RelayError):
        world.relay().run(threading.Event())
    assert "the source of the stream shop is not the one" in world.ended[1]
