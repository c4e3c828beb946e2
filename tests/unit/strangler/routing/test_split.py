import re

import pytest

from strangler.routing import split
from strangler.routing.split import BUCKETS, Ranges, bucket

VECTORS = [
    (b"a", b"reviews", 8279),
    (b"user-1", b"reviews", 9696),
    (b"user-1", b"orders", 6904),
    (b"", b"reviews", 3260),
    (b"jos\xc3\xa9", b"reviews", 4951),
    (b"192.0.2.7", b"reviews", 6652),
    (b"user-1", b"", 7162),
]


@pytest.mark.parametrize(("identity", "salt", "number"), VECTORS)
def test_vectors(identity, salt, number):
    assert bucket(identity, salt) == number


def test_the_published_vectors_are_these():
    published = re.findall(r"(b'.*'), (b'.*') -> (\d+)", split.__doc__)
    assert [(eval(i), eval(s), int(n)) for i, s, n in published] == VECTORS


def test_a_long_identity_is_hashed_alike():
    assert bucket(b"x" * 200, b"salt") == split._hash(b"x" * 200, b"salt")


def test_a_salt_has_at_most_64_bytes():
    assert 0 <= bucket(b"a", b"s" * 64) < BUCKETS
    with pytest.raises(ValueError):
        bucket(b"a", b"s" * 65)


def test_the_old_side_owns_the_top():
    ranges = Ranges((9000, 1000), old=0)
    assert [ranges.owner(number) for number in (0, 999, 1000, 9999)] == [1, 1, 0, 0]
    assert ranges.top == 0


def test_the_others_follow_in_order_from_zero():
    ranges = Ranges((100, 5000, 4900), old=1)
    assert [ranges.owner(number) for number in (0, 99, 100, 4999, 5000, 9999)] == [0, 0, 2, 2, 1, 1]


def test_zero_owns_nothing():
    assert {Ranges((0, 10000), old=1).owner(n) for n in range(BUCKETS)} == {1}
    assert {Ranges((10000, 0), old=1).owner(n) for n in range(BUCKETS)} == {0}
    assert Ranges((10000, 0), old=1).top == 0


def test_the_bucket_is_spread_over_the_other_sides():
    ranges = Ranges((100, 300, 9600), old=2)
    chosen = [ranges.other(number) for number in range(BUCKETS)]
    assert chosen.count(0) == 2500
    assert chosen.count(1) == 7500
    assert Ranges((0, 10000), old=1).other(5) is None


@pytest.mark.parametrize("shares", [(1, 2), (10001, -1), (5000, 4999)])
def test_shares_must_sum_to_a_hundred_percent(shares):
    with pytest.raises(ValueError):
        Ranges(shares, old=0)
