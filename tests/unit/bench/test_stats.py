"""The arithmetic of the report."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats import (
    LEAST_ROUNDS,
    Spread,
    differences,
    interval,
    median,
    quantile,
    ratios,
    spread,
)

VALUES = st.lists(st.floats(0.5, 2), min_size=LEAST_ROUNDS, max_size=60)


def test_median_is_the_middle_or_the_mean_of_two():
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert median([4.0, 1.0, 2.0, 3.0]) == 2.5


def test_nothing_has_no_median_and_no_quantile():
    with pytest.raises(ValueError, match="nothing"):
        median([])
    with pytest.raises(ValueError, match="nothing"):
        quantile([], 0.5)


def test_spread_of_rounds():
    assert spread([2.0, 9.0, 4.0]) == Spread(4.0, 2.0, 9.0, 3)
    assert spread([]) is None


def test_quantile_is_a_value_that_was_seen():
    values = [float(n) for n in range(1, 101)]
    assert quantile(values, 0.99) == 99.0
    assert quantile(values, 0.5) == 50.0
    assert quantile([7.0], 0.99) == 7.0
    assert quantile(values, 0) == 1.0


def test_ratios_pair_the_rounds_so_that_drift_cancels():
    ours, theirs = {0: 20.0, 1: 60.0, 2: 5.0}, {0: 10.0, 1: 30.0, 3: 1.0}
    assert ratios(ours, theirs) == [2.0, 2.0]
    assert ratios({0: 1.0}, {0: 0.0}) == []


def test_differences_pair_the_rounds():
    assert differences({0: 5.0, 1: 7.0}, {1: 4.0}) == [3.0]


@pytest.mark.parametrize(("count", "rank"), [(6, 1), (8, 1), (9, 2), (15, 4), (20, 6), (50, 18)])
def test_the_interval_is_that_of_the_tables(count, rank):
    values = [float(n) for n in range(1, count + 1)]
    assert interval(values) == (float(rank), float(count + 1 - rank))


def test_too_few_rounds_have_no_interval():
    assert interval([]) is None
    assert interval([1.0] * (LEAST_ROUNDS - 1)) is None
    assert interval([1.0] * LEAST_ROUNDS) == (1.0, 1.0)


@given(VALUES)
def test_the_interval_holds_the_median_whatever_the_order(values):
    low, high = interval(values)
    assert low <= median(values) <= high
    assert interval(sorted(values, reverse=True)) == (low, high)
    assert {low, high} <= set(values)


@given(VALUES, st.floats(0.1, 10))
def test_the_interval_knows_no_scale(values, by):
    low, high = interval(values)
    assert interval([value * by for value in values]) == (low * by, high * by)


@given(st.integers(LEAST_ROUNDS, 200))
def test_the_interval_is_the_narrowest_that_holds_95_percent(count):
    rank = int(interval([float(n) for n in range(1, count + 1)])[0])
    outside = [
        sum(math.comb(count, n) for n in range(k)) / 2 ** (count - 1) for k in (rank, rank + 1)
    ]
    assert outside[0] <= 0.05 < outside[1]


def test_the_interval_misses_the_median_of_a_skewed_distribution_in_one_of_twenty_at_most():
    chance, missed = Random(1), 0
    for _ in range(2000):
        low, high = interval([chance.expovariate(1) for _ in range(15)])
        missed += not low <= math.log(2) <= high
    assert 0.02 < missed / 2000 < 0.05
