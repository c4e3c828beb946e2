"""Checkpoints that are saved beside the stream."""

import threading

import pytest
from support.relays import until

from cdc.change import Identity
from cdc.checkpoint import Checkpoint, CheckpointError
from cdc.relay.saver import Saver
from cdc.testing.sink import MemoryCheckpoints

FIRST, SECOND = (
    Checkpoint(Identity.of(slot="s"), incarnation=1, resume=at, partitions=4) for at in (10, 20)
)


class SlowCheckpoints(MemoryCheckpoints):
    """A disk that takes as long as the test says."""

    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()

    def save(self, checkpoint):
        assert self.go_on.wait(10)
        super().save(checkpoint)


def given(saver):
    """What the saver tells once it tells anything."""
    told = []
    until(lambda: told.append(saver.saved()) or told[-1], "a checkpoint that is saved")
    return told[-1]


def test_a_checkpoint_is_told_once_and_only_when_it_is_durable():
    kept = SlowCheckpoints()
    saver = Saver(kept)
    saver.begin(FIRST)
    assert saver.busy
    assert saver.saved() is None
    kept.go_on.set()
    assert given(saver) == FIRST
    assert kept.saved == [FIRST.to_bytes()]
    assert not saver.busy
    assert saver.saved() is None


def test_one_follows_the_other():
    kept = MemoryCheckpoints()
    saver = Saver(kept)
    for each in (FIRST, SECOND):
        saver.begin(each)
        assert given(saver) == each
    assert kept.saved == [FIRST.to_bytes(), SECOND.to_bytes()]


def test_two_at_once_are_refused():
    kept = SlowCheckpoints()
    saver = Saver(kept)
    saver.begin(FIRST)
    with pytest.raises(RuntimeError, match="already"):
        saver.begin(SECOND)
    kept.go_on.set()
    assert given(saver) == FIRST


def test_a_failure_is_the_relays():
    kept = MemoryCheckpoints()
    kept.failure = CheckpointError("another relay has started since", replaced=True)
    saver = Saver(kept)
    saver.begin(FIRST)
    with pytest.raises(CheckpointError, match="another relay"):
        given(saver)
    assert kept.saved == []


def test_closing_waits_for_the_save_that_is_under_way():
    kept = SlowCheckpoints()
    saver = Saver(kept)
    saver.begin(FIRST)
    threading.Timer(0.05, kept.go_on.set).start()
    saver.close()
    assert kept.saved == [FIRST.to_bytes()]
    saver.close()
