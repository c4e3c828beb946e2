"""The dialogue of markers and chunks, on a log in memory."""

import json
import sys
import threading

import pytest
from support.relays import REVIEW, World, until

from cdc.change import ABSENT, Change, Op
from cdc.checkpoint import Checkpoint
from cdc.config.model import Limits
from cdc.envelope import decode
from cdc.relay.chunks import ChunkReader
from cdc.relay.ports import Chunk, SourceError
from cdc.relay.relay import RelayError, Wanted
from cdc.relay.session import Session
from cdc.relay.snapshots import Snapshots
from cdc.snapshot import MOST_AGAIN, Run, Touched

NOTHING = Wanted(snapshot=False)
LOOKED_AT = {sys.modules[each.__module__].__file__ for each in (Session, Snapshots)}


def filled(count=10, **given):
    world = World(**given)
    world.control.fill("review", *((number, 1, "old") for number in range(count)))
    return world


def complete(world, times=1):
    until(lambda: len(set(world.markers("complete"))) >= times, "the snapshot")


def ask(world, **body):
    return world.control.mark("shop", "snapshot", json.dumps(body))


def repair(world, *keys, table="review"):
    return world.control.mark("shop", "repair", json.dumps({"table": table, "keys": keys}))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 10])
def test_the_first_start_copies_what_is_there(count):
    world = filled(count)
    with world.relaying():
        complete(world)
    assert world.copy() == world.rows()
    assert len(world.sent("r")) == count
    assert Checkpoint.from_bytes(world.checkpoints.load()).runs == ()


def test_every_chunk_has_a_marker_before_and_behind_it():
    world = filled(7)
    with world.relaying():
        complete(world)
    kinds = [change.after[1] for change in world.source.events if isinstance(change, Change)]
    assert kinds == ["low", "high"] * 3 + ["complete"]


def test_writers_between_the_markers_win():
    world = filled(10)
    writes = iter(range(100, 200))

    def write():
        number = next(writes)
        world.control.put("review", (number % 10, number, "new"))
        if number == 102:
            world.control.remove("review", (5,))

    world.control.before_chunk = write
    with world.relaying():
        complete(world)
    assert world.copy() == world.rows()


def test_a_row_that_came_in_part_is_read_again_before_the_copy_counts_as_complete():
    world = filled(5)
    halves = iter([3])

    def write():
        if number := next(halves, None):
            with world.source.changed:
                world.control.fill("review", (number, 9, "old"))
                half = Change(REVIEW, Op.UPDATE, None, (number, 9, ABSENT))
                world.source.write(half)

    world.control.before_chunk = write
    with world.relaying():
        complete(world)
        assert world.copy() == world.rows()


def visible(world, contained):
    """Let the source say which transactions a chunk contains, as PostgreSQL does."""
    read = world.control.chunk
    world.control.chunk = lambda *given: Chunk(given[0], read(*given).rows, contained)


def test_a_chunk_that_lacks_what_was_streamed_before_is_read_again():
    world, looks = filled(3), iter([False, False])
    visible(world, lambda _xid: next(looks, True))
    with world.relaying(NOTHING):
        world.control.put("review", (1, 5, "new"))
        until(world.sent, "the change")
        ask(world)
        complete(world)
    assert world.counters.chunks_again >= 1
    assert world.copy() == world.rows()


def test_a_snapshot_goes_on_behind_the_last_chunk_that_was_saved():
    world = filled(30, limits=Limits(chunk=3, rate=60))
    with world.relaying():
        until(lambda: len(world.sent("r")) >= 9, "some rows")
    kept = Checkpoint.from_bytes(world.checkpoints.load()).runs
    assert [(run.id, run.table, run.done) for run in kept] == [("initial", "review", False)]
    sent = len(world.sent("r"))
    with world.relaying():
        complete(world)
    assert world.copy() == world.rows()
    assert len(world.sent("r")) < 30 + sent, "from where it was, not from the start"


def test_a_snapshot_is_asked_for_while_the_stream_runs_and_none_is_asked_for_twice():
    world = filled(10)
    with world.relaying(NOTHING):
        ask(world, tables=["review"])
        complete(world)
        ask(world, tables=[])
        complete(world, 2)
    assert len(world.sent("r")) == 20


def test_a_repair_sends_what_is_there_and_removes_what_is_not():
    world = filled(5)
    with world.relaying(NOTHING):
        repair(world, [3], [77])
        until(lambda: len(world.sent("r", "d")) == 2, "both")
    assert world.sent("r", "d") == [
        ("r", {"id": 3}, {"id": 3, "stars": 1, "body": "old"}),
        ("d", {"id": 77}, None),
    ]
    assert world.markers("complete") == []


def test_a_key_in_another_spelling_removes_nothing():
    world = filled(5)
    rows = world.control.rows

    def lenient(relation, keys):
        return rows(relation, [(int(key[0]),) for key in keys])

    world.control.rows = lenient
    with world.relaying(NOTHING):
        repair(world, ["3"])
        until(lambda: world.sent("r"), "the row")
        end = ask(world, tables=["review"])
        complete(world)
    assert end
    assert world.sent("d") == []


def test_a_repair_does_not_wait_for_a_long_snapshot():
    world = filled(60, limits=Limits(chunk=3, rate=30))
    with world.relaying():
        until(lambda: world.sent("r"), "that it has begun")
        repair(world, [59])
        until(lambda: [key for _, key, _ in world.sent("r") if key["id"] == 59], "the row")
        assert len(world.sent("r")) < 50
        assert world.markers("complete") == []


@pytest.mark.parametrize(
    "ill",
    [
        {"tables": ["review"], "where": "there is no SQL"},
        {"tables": "review"},
        {"tables": ["review"], "where": 5},
        {"tables": ["nobody's"]},
    ],
)
def test_a_snapshot_that_cannot_be_made_ends_itself_and_not_the_relay(ill):
    world = filled(3)
    with world.relaying(NOTHING):
        ask(world, **ill)
        until(lambda: world.counters.refused_runs, "the refusal")
        ask(world, tables=["review"])
        complete(world)
    assert world.copy() == world.rows()
    assert world.counters.refused_runs == 1


@pytest.mark.parametrize("ill", [{"where": "there is no SQL"}, {"tables": ["nobody's"]}])
def test_at_no_moment_is_a_snapshot_gone_that_will_be_refused(ill):
    # Another thread reports: it may look between any two lines of the relay's.
    world, views = filled(3), []

    def look(frame, _event, _arg):
        it = frame.f_locals.get("self")
        it = getattr(it, "snapshots", None) if isinstance(it, Session) else it
        if isinstance(it, Snapshots) and hasattr(it, "_reading"):  # made in whole
            told = world.counters.marker_seq, [r.id for r in it.runs], [r.id for r in it.refused]
            views.append(told)
        return look if frame.f_code.co_filename in LOOKED_AT else None

    threading.settrace(look)
    try:
        with world.relaying(NOTHING):
            asked = ask(world, **ill)
            until(lambda: world.counters.refused_runs, "the refusal")
            seq = world.control.mark("shop", "barrier", "{}")
            until(lambda: seq in world.markers("barrier"), "the barrier")
    finally:
        threading.settrace(None)
    counted = [(runs, refused) for number, runs, refused in views if number >= asked]
    name = f"snapshot-{asked}"
    assert counted
    assert all(name in runs or name in refused for runs, refused in counted)


@pytest.mark.parametrize("keys", [5, [5], [[[1]]], [[None]], [[{"a": 1}]]])
def test_keys_that_are_none_are_refused(keys):
    world = filled(3)
    with world.relaying(NOTHING):
        world.control.mark("shop", "repair", json.dumps({"table": "review", "keys": keys}))
        until(lambda: world.counters.refused_runs, "the refusal")
        repair(world, [1])
        until(lambda: world.sent("r"), "another repair")


def test_the_first_copy_of_a_table_that_is_missing_stops_the_relay():
    world = World()
    world.control.relations.clear()
    with pytest.raises(RelayError, match="no table review"), world.relaying() as failed:
        until(lambda: failed, "the end")


def test_a_table_that_left_the_stream_takes_its_run_along():
    world = filled(4)
    runs = (Run("initial", "gone"), Run("initial", "review"))
    world.checkpoints.saved = [Checkpoint(world.source.identity(), 1, 0, 4, runs=runs).to_bytes()]
    with world.relaying():
        complete(world)
    assert world.copy() == world.rows()
    assert Checkpoint.from_bytes(world.checkpoints.load()).runs == ()


def test_a_database_that_fails_while_a_chunk_is_read_is_asked_again():
    world = filled(4)
    world.control.failure = SourceError("it restarts", temporary=True)

    def heal():
        if world.epoch > 1:
            world.control.failure = None

    world.control.before_chunk = heal
    with world.relaying():
        complete(world)
    assert world.copy() == world.rows()


def test_completeness_is_marked_again_when_dead_letters_held_it_back():
    world = filled(3, heartbeat=0.0)
    world.control.fill("review", (9, 1, "caf\udce9"))
    with world.relaying():
        until(lambda: world.counters.dead_letters, "the dead letter")
        held = world.control.mark("shop", "complete", '{"run": "initial", "table": "review"}')
        until(lambda: world.counters.markers_held, "that it is held back")
        world.control.put("review", (9, 1, "good"))
        complete(world)
    assert min(world.markers("complete")) > held
    assert world.copy() == world.rows()


def test_completeness_is_marked_by_the_next_session_if_the_first_could_not():
    world = filled(0)
    done = Run("initial", "review", after=(2,), rows=3, done=True)
    world.checkpoints.saved = [
        Checkpoint(world.source.identity(), 1, 0, 4, runs=(done,)).to_bytes()
    ]
    with world.relaying():
        complete(world)
    bodies = [decode(r.value)["marker"]["body"] for r in world.sink.settled if b"compl" in r.key]
    assert bodies[0] == {"run": "initial", "table": "review", "rows": 3}
    assert world.sent("r") == []


def test_markers_of_an_earlier_relay_mean_nothing():
    world = filled(3)
    with world.relaying(NOTHING):
        for kind in ("low", "high"):
            world.control.mark("shop", kind, '{"token": "1.1.1"}')
        seq = world.control.mark("shop", "barrier", "{}")
        until(lambda: seq in world.markers("barrier"), "the barrier")
    assert world.sent() == []


def test_a_low_marker_of_another_run_does_not_move_the_window():
    # Where the place in the log decides, what stands before the low marker is in the chunk.
    world = filled(3)
    stray = iter([1])

    def write():
        if next(stray, None):
            with world.source.changed:
                rows = dict(world.control.tables["review"])
                world.control.put("review", (1, 5, "new"))
                world.control.mark("shop", "low", '{"token": "0.9.9"}')
                newer = dict(world.control.tables["review"])
                world.control.tables["review"] = rows
                restore.append(newer)

    restore = []
    read = world.control._read

    def reading(relation):
        found = read(relation)
        if restore:
            world.control.tables["review"] = restore.pop()
        return found

    world.control.before_chunk, world.control._read = write, reading
    with world.relaying():
        complete(world)
    assert world.copy() == world.rows(), "the older row of the chunk must not come after the newer"


def test_more_halves_than_can_be_named_have_the_whole_table_read_again():
    world = filled(4)
    keys = [(number,) for number in range(MOST_AGAIN + 1)]
    with world.relaying(NOTHING):
        world.source.write(*(
            Change(REVIEW, Op.UPDATE, (n + 9_000, ABSENT, ABSENT), (n, 5, ABSENT)) for (n,) in keys
        ))  # fmt: skip
        until(lambda: len(world.sent("r")) == 4, "the table")
        world.control.mark("shop", "barrier", "{}")
        until(lambda: world.markers("barrier") or world.markers("heartbeat"), "a marker")
    assert world.markers("complete") == []


def test_a_reader_waits_until_its_chunks_are_wanted():
    world = filled(30)
    reader = ChunkReader(world.control.connect, "shop", 1, Limits(chunk=3), {"review": ()})
    reader.start(Run("initial", "review"))
    try:
        until(lambda: world.control.seq == 4, "two chunks")
        assert reader.take("1.1.1").chunk.rows[0][0] == 0
        assert reader.take("1.1.1") is None
        assert reader.take("9.1.1") is None
        until(lambda: world.control.seq == 6, "a third one")
        assert reader.knows("1.1.3")
        assert not reader.knows("1.2.1")
    finally:
        reader.close()
    assert world.control.opened == world.control.closed == 1


def test_a_run_that_was_given_up_leaves_nothing_to_the_next():
    world = filled(30)
    reader = ChunkReader(world.control.connect, "shop", 1, Limits(chunk=3), {"review": ()})
    reader.start(Run("initial", "review"))
    try:
        until(lambda: world.control.seq == 4, "two chunks")
        reader.start(Run("again-1", "review", keys=((5,),)))
        assert reader.take("1.1.1") is None
        assert not reader.knows("1.1.2")
        until(lambda: world.control.seq == 6, "the other run")
        assert reader.take("1.2.1").chunk.rows == [(5, 1, "old")]
    finally:
        reader.close()


def test_keys_that_are_too_many_to_remember_make_chunks_wait(monkeypatch):
    monkeypatch.setattr("cdc.snapshot.MOST_KEYS", 3)
    touched = Touched()
    for number in range(4):
        touched.touch("7", "t", (number,), whole=True)
    assert not touched.trustworthy(None)
    assert not touched.trustworthy(lambda _xid: False)
    touched.low()
    assert touched.trustworthy(None), "the next chunk contains them"
    touched.touch("8", "t", (1,), whole=True)
    assert touched.judge("t", [(1,), (2,)], None).send == [1]
