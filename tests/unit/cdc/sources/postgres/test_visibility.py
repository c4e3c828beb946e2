"""Which transactions a snapshot contains, where the stream counts only to 2**32."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.sources.postgres.visibility import Snapshot

EPOCH = 1 << 32


@pytest.mark.parametrize(
    ("snapshot", "xid", "contained"),
    [
        ("100:105:101,103", 99, True),
        ("100:105:101,103", 100, True),
        ("100:105:101,103", 101, False),
        ("100:105:101,103", 102, True),
        ("100:105:101,103", 104, True),
        ("100:105:101,103", 105, False),
        ("100:105:101,103", 106, False),
        ("100:100:", 99, True),
        ("100:100:", 100, False),
    ],
)
def test_before_between_and_after(snapshot, xid, contained):
    assert Snapshot(snapshot).contains(str(xid)) is contained


def test_numbers_that_began_anew_between_a_transaction_and_the_snapshot():
    snapshot = Snapshot(f"{EPOCH - 2}:{EPOCH + 5}:{EPOCH - 2},{EPOCH + 3}")
    assert snapshot.contains(str(EPOCH - 3))
    assert not snapshot.contains(str(EPOCH - 2))
    assert snapshot.contains(str(EPOCH - 1))
    assert snapshot.contains("4")
    assert not snapshot.contains("3")
    assert not snapshot.contains("5")


def test_a_transaction_after_the_numbers_began_anew():
    snapshot = Snapshot(f"{7 * EPOCH - 10}:{7 * EPOCH - 5}:")
    assert snapshot.contains(str(EPOCH - 6))
    assert not snapshot.contains("3")


@given(
    end=st.integers(EPOCH, 2**62),
    distance=st.integers(-(2**31) + 1, 2**31 - 1),
    running=st.sets(st.integers(1, 1_000), max_size=20),
)
def test_the_lower_half_says_what_the_whole_number_says(end, distance, running):
    open_ = {end - each for each in running}
    low = min([end, *open_])
    snapshot = Snapshot(f"{low}:{end}:{','.join(map(str, sorted(open_)))}")
    full = end + distance
    assert snapshot.contains(str(full % EPOCH)) is (full < end and full not in open_)
