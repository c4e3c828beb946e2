"""Who is measured when."""

from hypothesis import given
from hypothesis import strategies as st

from bench.against.rounds import loads, order

NUMBERS = st.integers(0, 1000)


def test_each_side_is_first_in_every_other_round():
    assert order("AB", 0) == ["A", "B"]
    assert order("AB", 1) == ["B", "A"]


def test_loads_alternate_within_a_round():
    assert loads("AB", 0) == ["A", "B", "B", "A"]
    assert loads("AB", 1) == ["B", "A", "A", "B"]


@given(NUMBERS)
def test_an_even_drift_falls_on_both_sides_alike(number):
    when = {
        side: [at for at, each in enumerate(loads("AB", number)) if each == side] for side in "AB"
    }
    assert sum(when["A"]) == sum(when["B"])
