"""How long the fenced producer rests after a commit."""

from hypothesis import given
from hypothesis import strategies as st

from cdc.kafka.pause import FEW, LEAST, MOST, next_pause

pauses = st.floats(LEAST, MOST)
seconds = st.floats(0.0, 120.0)
commits = st.lists(st.tuples(seconds, st.integers(0, 10 * FEW)), max_size=50)


@given(pauses, commits)
def test_it_stays_within_its_bounds(pause, taken):
    for took, records in taken:
        pause = next_pause(pause, took, records)
        assert LEAST <= pause <= MOST


@given(pauses, st.floats(0.02, 120.0))
def test_a_small_commit_that_waited_for_a_refusal_makes_it_longer(pause, took):
    assert next_pause(pause, took, FEW) >= pause
    for _ in range(10):
        pause = next_pause(pause, took, 1)
    assert pause == MOST


@given(pauses, st.floats(0.0, 0.019))
def test_quick_commits_make_it_short_again(pause, took):
    for _ in range(100):
        pause = next_pause(pause, took, 1)
    assert pause == LEAST


@given(pauses, seconds)
def test_a_commit_of_many_records_says_nothing(pause, took):
    assert next_pause(pause, took, FEW + 1) == pause
