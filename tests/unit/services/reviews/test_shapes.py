"""Reviews as JSON, where arithmetic can go wrong."""

import pytest

from services.reviews.shapes import average, summary_shape


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        ({}, None),
        ({5: 1}, "5.00"),
        ({4: 3, 5: 1}, "4.25"),
        ({1: 7, 2: 1}, "1.13"),  # 1.125: halves go up
        ({1: 1, 2: 2}, "1.67"),
        ({1: 10**9, 5: 10**9}, "3.00"),
    ],
)
def test_average(ratings, expected):
    assert average(ratings) == expected


def test_a_summary_names_every_rating():
    shape = summary_shape(7, {5: 2, 1: 1})
    assert list(shape) == ["product_id", "count", "average", "histogram"]
    assert shape["histogram"] == {"1": 1, "2": 0, "3": 0, "4": 0, "5": 2}
    assert list(shape["histogram"]) == ["1", "2", "3", "4", "5"]


def test_a_summary_of_nothing():
    assert summary_shape(7, {})["average"] is None
