import pytest
from support.matrix import sampled


def marks(params):
    return [(param.values, [mark.name for mark in param.marks]) for param in params]


def test_what_is_sampled_runs_in_both_and_the_rest_in_a_soak_only():
    assert marks(sampled([1, (2, 3)], (2, 3))) == [((1,), ["soak"]), ((2, 3), ["sampled"])]


def test_a_sample_is_of_the_matrix_and_not_empty():
    with pytest.raises(AssertionError, match="are not all of"):
        sampled([1, 2], 3)
    with pytest.raises(AssertionError, match="something runs"):
        sampled([1, 2])
