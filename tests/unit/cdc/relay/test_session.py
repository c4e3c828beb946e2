"""The order of the promise: records, settled, saved, confirmed; and what markers may say."""

import threading

import pytest
from support.relays import REVIEW, World, until

from cdc.change import ABSENT, Change, Op, Relation
from cdc.checkpoint import Checkpoint
from cdc.config.model import Delivery
from cdc.relay.ports import SinkError, SourceError
from cdc.relay.relay import RelayError, Wanted
from cdc.relay.session import settle_after
from cdc.testing import marker

BAD = "caf\udce9"
NOTHING = Wanted(snapshot=False)


class Journal:
    """What the relay did to the world, in order."""

    def __init__(self, world):
        self.steps = []
        self._wrap(world.sink, "produce", "settle")
        self._wrap(world.checkpoints, "save")
        self._wrap(world.source, "confirm")

    def _wrap(self, thing, *names):
        for name in names:
            call = getattr(thing, name)

            def noted(*given, call=call, name=name, **more):
                call(*given, **more)
                self.steps.append((name, given))

            setattr(thing, name, noted)

    def names(self):
        return [name for name, _ in self.steps]


@pytest.mark.parametrize("delivery", list(Delivery))
def test_nothing_is_confirmed_before_it_is_saved_nor_saved_before_it_is_settled(delivery):
    world = World(delivery=delivery)
    journal = Journal(world)
    with world.relaying(NOTHING):
        for number in range(20):
            world.control.put("review", (number, 1, "a"))
        end = world.source.events[-1].resume
        until(lambda: end in world.source.confirmed, "the end is confirmed")
    settled, saved, ahead = 0, 0, 0
    for name, given in journal.steps:
        if name == "produce":
            ahead += 1
        elif name == "settle":
            settled, ahead = settled + ahead, 0
        elif name == "save":
            saved = Checkpoint.from_bytes(given[0]).resume
            assert settled >= sum(e.resume <= saved for e in commits(world)), "saved too early"
        else:
            assert given[0] <= saved, "confirmed too early"
    assert world.copy() == world.rows()


@pytest.mark.parametrize(
    ("usual", "lag_ms", "after"), [(0.1, 0, 0.1), (0.1, 999, 0.1), (0.1, 1000, 0.5), (1, 9000, 1)]
)
def test_a_stream_that_is_far_behind_stops_less_often(usual, lag_ms, after):
    assert settle_after(usual, lag_ms) == after


def commits(world):
    return [each for each in world.source.events if hasattr(each, "resume")]


def test_what_was_settled_is_saved_even_if_nothing_follows():
    world = World(heartbeat=0.0)
    with world.relaying(NOTHING):
        end = world.control.put("review", (1, 1, "a")) + 1
        until(lambda: world.sent("c"), "the record")
        until(lambda: end in world.source.confirmed, "its confirmation")


def test_a_stop_in_the_middle_of_a_transaction_saves_what_was_before_it():
    world = World()
    world.control.put("review", (1, 1, "a"))
    before = len(world.source.events)
    world.source.write(*(Change(REVIEW, Op.CREATE, None, (n, 1, "a")) for n in range(50)))
    rest, world.source.events[before + 20 :] = world.source.events[before + 20 :], []
    world.checkpoints.saved = [first(world)]
    with world.relaying():
        until(lambda: len(world.sent("c")) > 10, "the first of them")
    assert Checkpoint.from_bytes(world.checkpoints.load()).resume == 11
    world.source.events += rest
    with world.relaying():
        until(lambda: len(world.copy()) == 50, "all of them")


@pytest.mark.parametrize("delivery", list(Delivery))
def test_a_stop_in_the_middle_of_a_transaction_waits_for_an_end_that_is_near(delivery):
    """A stop between a transaction's records once had those sent again that were in Kafka."""
    world = World(delivery=delivery, heartbeat=0.0)
    world.source.write(*(Change(REVIEW, Op.CREATE, None, (n, 1, "a")) for n in range(7)))
    world.checkpoints.saved = [first(world)]
    rest, world.source.events[4:] = world.source.events[4:], []
    with world.relaying():
        until(lambda: world.sent("c"), "the first of them")
        threading.Timer(0.7, world.source.events.extend, (rest,)).start()
    with world.relaying():
        world.control.put("review", (100, 1, "a"))
        until(lambda: len(world.sent("c")) >= 8, "what follows")
    assert sorted(key["id"] for _, key, _ in world.sent("c")) == [*range(7), 100]


def first(world, **more):
    """A checkpoint of before the log's first transaction."""
    given = {"incarnation": 1, "resume": 0, "partitions": 4} | more
    return Checkpoint(world.source.identity(), **given).to_bytes()


def test_exactly_once_a_transaction_that_is_read_again_is_sent_once():
    world = World(delivery=Delivery.EXACTLY_ONCE)
    changes = [Change(REVIEW, Op.CREATE, None, (n, 1, "a")) for n in range(50)]
    world.source.write(*changes)
    rest, world.source.events[31:] = world.source.events[31:], []
    world.source.at_once = 3
    world.checkpoints.saved = [first(world)]
    with world.relaying():
        until(lambda: len(world.sent("c")) == 30, "the first of them")
    partial = Checkpoint.from_bytes(world.sink.checkpoints[-1])
    assert partial.partial == (10, 30)
    # The second session ends before it has read again what the first has sent.
    world.source.events, whole = world.source.events[:10], [*world.source.events, *rest]
    for events in (world.source.events, whole):
        world.source.events = events
        world.checkpoints.saved.append(world.sink.checkpoints[-1])
        settled = world.counters.settled
        with world.relaying():
            until(lambda n=settled: world.counters.settled > n, "a look at the log")
            until(lambda e=events: len(e) < 50 or len(world.sent("c")) >= 50, "the rest")
    assert sorted(key["id"] for _, key, _ in world.sent("c")) == list(range(50))


def test_exactly_once_a_relay_that_waits_for_the_rest_forgets_nothing():
    """An idle start once wrote a checkpoint without how far the transaction had come."""
    world = World(delivery=Delivery.EXACTLY_ONCE, heartbeat=0.0)
    changes = [Change(REVIEW, Op.CREATE, None, (n, 1, "a")) for n in range(50)]
    world.source.write(*changes)
    whole, world.source.events[:] = list(world.source.events), []
    world.checkpoints.saved = [first(world, partial=(whole[0].position, 30))]
    with world.relaying():
        until(lambda: len(world.checkpoints.saved) > 1, "a relay that has started")
    assert Checkpoint.from_bytes(world.checkpoints.load()).partial == (whole[0].position, 30)
    world.source.events += whole
    with world.relaying():
        until(lambda: len(world.sent("c")) == 20, "the rest of them")


def test_a_record_that_is_lost_is_sent_again():
    world = World()
    with world.relaying(NOTHING):
        world.sink.failure = SinkError("Kafka lost a record", temporary=True)
        for number in range(5):
            world.control.put("review", (number, 1, "a"))
        until(lambda: world.copy() == world.rows(), "every row")
    assert world.sink.opened >= 2


def test_markers_of_the_stream_reach_every_partition_and_others_do_not():
    world = World()
    with world.relaying(NOTHING):
        world.control.mark("another", "barrier", "{}")
        world.control.mark("shop", "barrier", "no json")
        world.control.mark("shop", "barrier", "[1]")
        world.control.mark("shop", "of another version", "{}")
        seq = world.control.mark("shop", "barrier", "{}")
        until(lambda: seq in world.markers("barrier"), "the barrier")
    assert world.markers("barrier") == [seq] * 4
    assert len(world.markers("of another version")) == 4


def test_a_marker_that_was_held_back_is_followed_by_one_as_soon_as_it_may():
    world = World(heartbeat=0.0)
    with world.relaying(NOTHING):
        world.control.put("review", (1, 1, BAD))
        held = world.control.mark("shop", "barrier", "{}")
        until(lambda: world.counters.markers_held, "that it is held back")
        assert world.markers("barrier") == []
        assert world.markers("heartbeat") == []
        world.control.put("review", (1, 1, "good"))
        until(lambda: [seq for seq in world.markers("heartbeat") if seq > held], "another marker")


def test_dead_keys_outlive_the_relay():
    world = World(heartbeat=0.0)
    with world.relaying(NOTHING):
        world.control.put("review", (1, 1, BAD))
        until(lambda: world.counters.dead_letters, "the dead letter")
    assert Checkpoint.from_bytes(world.checkpoints.load()).dead == (("shop.review", '{"id":1}'),)
    with world.relaying():
        world.control.mark("shop", "barrier", "{}")
        until(lambda: world.counters.markers_held, "that the barrier is held back")
        world.control.put("review", (1, 1, "good"))
        until(lambda: world.markers("heartbeat"), "a marker")
    assert world.copy() == {(1,): {"id": 1, "stars": 1, "body": "good"}}


def test_what_the_partner_wrote_is_dropped_and_its_place_counts():
    world = World()
    world.partner = "strangler:shop-reverse"
    with world.relaying(NOTHING):
        end = world.control.put("review", (1, 1, "a"), origin=world.partner) + 1
        until(lambda: end in world.source.confirmed, "its confirmation")
        world.control.put("review", (2, 1, "a"), origin="strangler:other")
        until(world.sent, "what another wrote")
    assert [key["id"] for _, key, _ in world.sent()] == [2]
    assert world.counters.dropped_loops == 1


def test_heartbeats_pass_by_themselves_and_none_are_written_where_none_are_wanted():
    world = World(heartbeat=0.01)
    with world.relaying(NOTHING):
        until(lambda: len(set(world.markers("heartbeat"))) >= 2, "two heartbeats")
    quiet = World(heartbeat=0.0)
    with quiet.relaying(NOTHING):
        until(lambda: quiet.reports, "a report")
        seq = quiet.control.mark("shop", "barrier", "{}")
        until(lambda: quiet.markers("barrier"), "a barrier")
    assert quiet.control.seq == seq == 1


def test_a_log_that_grows_too_far_is_given_up():
    world = World()
    world.source.kept = world.stream.limits.retained_stop
    with pytest.raises(RelayError, match="--resnapshot"), world.relaying(NOTHING) as failed:
        until(lambda: failed, "the end")
    assert world.source.released == 1


def test_a_table_that_leaves_the_log_ends_the_relay():
    world = World()
    with pytest.raises(RelayError, match="review is gone"), world.relaying(NOTHING) as failed:
        until(lambda: world.source.resumed, "a relay that has begun")
        world.source.incomplete = SourceError("review is gone", temporary=False)
        until(lambda: failed, "the end")


def test_a_failure_beside_the_stream_ends_the_session_and_no_more():
    world = World()
    fail = iter([SourceError("the database restarts", temporary=True)])

    def connect():
        if failure := next(fail, None):
            raise failure
        return world.control

    world.control.connect = connect
    with world.relaying(NOTHING):
        world.control.put("review", (1, 1, "a"))
        until(lambda: world.epoch == 2 and world.sent(), "another session")


def test_a_new_key_of_half_a_row_has_the_row_read_again_before_any_marker():
    world = World(heartbeat=0.0)
    with world.relaying(NOTHING):
        world.control.put("review", (1, 1, "long"))
        with world.source.changed:
            del world.control.tables["review"][(1,)]
            world.control.fill("review", (2, 5, "long"))
            half = Change(REVIEW, Op.UPDATE, (1, ABSENT, ABSENT), (2, 5, ABSENT))
            seq = world.control.seq + 1
            world.source.write(half, marker("shop", "barrier", seq))
            world.control.seq = seq
        until(lambda: world.markers("heartbeat"), "a marker")
        assert world.copy() == world.rows()
        assert world.markers("barrier") == []


def test_the_threads_of_a_session_end_with_it():
    world = World()
    world.control.fill("review", *((n, 1, "a") for n in range(10)))
    with world.relaying():
        until(lambda: world.markers("complete"), "the snapshot")
    assert world.control.opened == world.control.closed


def test_another_shape_of_a_table_is_another_relation():
    world = World()
    wider = Relation("review", "public", "review", (*REVIEW.columns, REVIEW.columns[2].__class__(
        "extra", REVIEW.columns[2].kind, "text")))  # fmt: skip
    with world.relaying(NOTHING):
        world.control.put("review", (1, 1, "a"))
        world.source.write(Change(wider, Op.UPDATE, None, (1, 1, "a", "new")))
        until(lambda: len(world.sent()) == 2, "both")
    assert world.copy()[1,]["extra"] == "new"
