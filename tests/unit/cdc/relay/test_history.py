"""A source that was put back to an earlier state has fewer markers than were read from it."""

import threading
from dataclasses import replace

import pytest
from support.relays import World, until

from cdc.change import Identity
from cdc.checkpoint import Checkpoint
from cdc.config.model import Delivery
from cdc.relay.history import BEYOND
from cdc.relay.ports import SourceError
from cdc.relay.relay import Around, Relay, RelayError, Wanted

NOTHING = Wanted(snapshot=False)
RESTARTS = SourceError("it restarts", temporary=True)


def marked(delivery=Delivery.FENCED):
    """A world whose relay has read three of its markers, and has stopped."""
    world = World(delivery=delivery)
    with world.relaying(NOTHING):
        until(lambda: world.reports, "a session")
        for _ in range(3):
            world.control.mark("shop", "probe", "{}")
        until(lambda: 3 in world.markers("probe"), "the markers")
    return world


def kept(world):
    return Checkpoint.from_bytes(world.checkpoints.load())


@pytest.mark.parametrize("delivery", list(Delivery))
def test_what_came_back_of_the_stream_is_kept(delivery):
    world = marked(delivery)
    assert kept(world).marker == 3
    world.control.mark("another", "probe", "{}")
    with world.relaying():
        world.control.put("review", (1, 1, "a"))
        until(world.sent, "the record")
    assert kept(world).marker == 3


def test_a_source_that_lacks_one_is_refused_and_nobody_is_fenced():
    world = marked()
    epoch, opened, resumed = world.epoch, world.sink.opened, list(world.source.resumed)
    world.control.seq = 2
    with pytest.raises(RelayError, match=r"shop at its source is 2, before 3.*`.*--resnapshot`"):
        world.relay().run(threading.Event())
    assert (world.epoch, world.sink.opened, world.source.resumed) == (epoch, opened, resumed)
    assert world.control.opened == world.control.closed


def test_it_is_refused_where_the_checkpoint_is_known_with_the_sink_only():
    world = marked(Delivery.EXACTLY_ONCE)
    world.control.seq, resumed = 2, list(world.source.resumed)
    relay = Relay(
        world.stream, world.parts, lambda: world.source, world.control.connect, Wanted(),
        world.counters, Around(),
    )  # fmt: skip
    with pytest.raises(RelayError, match="put back to an earlier state"):
        relay.run(threading.Event())
    assert world.source.resumed == resumed


def test_one_that_was_put_back_under_a_running_relay_is_refused_by_the_next_session():
    world = marked()
    world.reports.clear()
    with pytest.raises(RelayError, match="is 1, before 3"), world.relaying() as failed:
        until(lambda: world.reports, "a session")
        world.control.seq, world.source.failure = 1, RESTARTS
        until(lambda: failed, "its end")


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_new_incarnation_gives_no_number_again(forgotten):
    """An applier has passed 3 already: who waits for a new 3 must not be told that it arrived."""
    world = marked()
    world.control.seq = 0  # put back, or undone: its markers are gone
    if forgotten:
        world.checkpoints.saved.append(kept(world).forgotten().to_bytes())
    world.reports.clear()
    with world.relaying(Wanted(snapshot=False, resnapshot=not forgotten)):
        until(lambda: world.reports, "a session")
        assert world.control.mark("shop", "probe", "{}") > 3 + BEYOND
    with world.relaying():  # and it goes on from there
        until(lambda: kept(world).marker > 3 + BEYOND, "the checkpoint")


def test_a_new_incarnation_of_a_whole_history_leaves_no_numbers_out():
    world = marked()
    world.reports.clear()
    with world.relaying(Wanted(snapshot=False, resnapshot=True)):
        until(lambda: world.reports, "a session")
        assert world.control.mark("shop", "probe", "{}") < BEYOND


def test_a_source_that_has_as_many_or_more_goes_on():
    world = marked()
    for _ in range(2):
        with world.relaying():
            world.control.put("review", (len(world.sent()), 1, "a"))
            sent = len(world.sent())
            until(lambda sent=sent: len(world.sent()) > sent, "a record")
        world.control.mark("shop", "probe", "{}")
    assert world.copy() == world.rows()


def test_where_no_marker_is_known_none_is_asked_for():
    world = World()
    given = Checkpoint(Identity.of(log="1"), 1, 0, 4, tables=("review",))
    world.checkpoints.saved = [given.to_bytes()]
    world.control.newest_marker = None  # whoever calls it fails
    with world.relaying():
        world.control.put("review", (1, 1, "a"))
        until(world.sent, "a record")


def test_a_way_back_is_told_its_own_command():
    world = World(reverse=True)
    world.stream = replace(world.stream, name="shop-reverse")
    given = Checkpoint(Identity.of(log="1"), 1, 0, 4, tables=("review",), marker=1)
    world.checkpoints.saved = [given.to_bytes()]
    with pytest.raises(RelayError, match="`strangler cdc run shop --reverse --resnapshot`"):
        world.relay().run(threading.Event())
