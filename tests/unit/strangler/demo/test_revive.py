from strangler.demo.revive import MOST, WITHIN, Tries


def test_a_part_that_dies_over_and_over_is_given_up_after_growing_pauses():
    tries = Tries()
    pauses = [tries.died(float(now)) for now in range(MOST)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 1.0 < pauses[-1] <= 8.0
    assert tries.died(MOST) is None


def test_a_death_that_is_long_ago_does_not_count():
    tries = Tries()
    first = tries.died(0.0)
    for turn in range(1, 3 * MOST):
        assert tries.died(turn * WITHIN) == first
