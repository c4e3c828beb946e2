"""The arithmetic of the report."""

import pytest

from bench.stats import Spread, differences, median, quantile, ratios, spread


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
