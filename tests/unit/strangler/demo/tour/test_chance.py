import pytest

from strangler.demo.tour.chance import farthest


@pytest.mark.parametrize("share", [0, 1])
def test_chance_has_no_part_in_nothing_and_all(share):
    assert farthest([1] * 100, share) == 0


def test_nobody_is_nowhere():
    assert farthest([], 0.5) == 0


def test_more_people_say_more():
    assert farthest([1] * 10_000, 0.1) / 10_000 < farthest([1] * 100, 0.1) / 100 / 5


def test_ten_requests_of_one_user_say_no_more_than_one():
    assert farthest([10] * 100, 0.1) == pytest.approx(10 * farthest([1] * 100, 0.1))


def test_half_of_many_is_told_from_a_bit_more():
    assert 200 < farthest([1] * 10_000, 0.5) < 350  # 5.4 standard deviations are 270
