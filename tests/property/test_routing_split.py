"""Splits: monotone, true to their shares, the same in every process."""

import os
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from strangler.config.model import (
    Group,
    IdentityKind,
    IdentitySource,
    Match,
    ProxyCookie,
    Route,
    Split,
)
from strangler.routing.choose import Chooser, Reason
from strangler.routing.cookie import ProxyCookies
from strangler.routing.split import BUCKETS, Ranges, bucket

SHARE = st.integers(0, BUCKETS)
NUMBERS = st.integers(0, BUCKETS - 1)
USER = (IdentitySource(IdentityKind.HEADER, "user"),)
COOKIES = ProxyCookies(ProxyCookie(), b"a key of sixteen bytes or more")


@st.composite
def shares(draw, sides=4):
    cuts = sorted(draw(st.lists(SHARE, min_size=sides - 1, max_size=sides - 1)))
    return tuple(b - a for a, b in zip([0, *cuts], [*cuts, BUCKETS], strict=True))


def chooser(new, allow=frozenset()):
    split = Split((("legacy", BUCKETS - new), ("new", new)))
    group = Group("g", "g", identity=USER, allow=allow)
    return Chooser(Route("r", Match(), split, "g", "legacy"), group)


def upstream(chosen_from, user):
    return chosen_from.choose([(b"user", user)], b"", b"", COOKIES, lambda: 0).upstream


@given(SHARE, SHARE, st.binary(min_size=1, max_size=40))
def test_who_is_in_at_less_stays_in_at_more(one, other, user):
    less, more = sorted((one, other))
    assert upstream(chooser(less), user) <= upstream(chooser(more), user)


@given(shares(), shares(), st.integers(0, 3))
def test_a_side_that_grows_takes_from_the_old_side_only(before, after, old):
    """With the other sides' shares unchanged, nobody moves between these."""
    new = [index for index in range(4) if index != old]
    grown = list(before)
    last = new[-1]
    grown[last] = min(BUCKETS - sum(before[index] for index in new[:-1]), before[last] + after[0])
    grown[old] = BUCKETS - sum(grown[index] for index in new)
    old_ranges, new_ranges = Ranges(before, old), Ranges(tuple(grown), old)
    for number in range(0, BUCKETS, 37):
        was, now = old_ranges.owner(number), new_ranges.owner(number)
        assert now == was or (was == old and now == last)


@given(shares(), st.integers(0, 3))
def test_each_side_owns_exactly_its_share(found, old):
    owners = list(map(Ranges(found, old).owner, range(BUCKETS)))
    assert tuple(owners.count(index) for index in range(4)) == found


@given(shares(), st.integers(0, 3), NUMBERS)
def test_the_new_side_is_never_the_old_one(found, old, number):
    side = Ranges(found, old).other(number)
    assert side is None if found[old] == BUCKETS else (side != old and found[side] > 0)


@given(st.binary(max_size=300), st.binary(max_size=64))
def test_buckets_are_in_range_and_repeatable(identity, salt):
    assert 0 <= bucket(identity, salt) < BUCKETS
    assert bucket(identity, salt) == bucket(bytes(bytearray(identity)), salt)


def test_the_share_of_identities_is_true():
    """20,000 fixed identities; four standard deviations of a binomial share."""
    for percent in (100, 1000, 5000):
        split = chooser(percent)
        found = sum(upstream(split, b"user-%d" % number) for number in range(20_000))
        share = percent / BUCKETS
        assert abs(found - 20_000 * share) < 4 * (20_000 * share * (1 - share)) ** 0.5


def test_salts_are_independent():
    """Who is in the first tenth of one group is not so in another."""
    first = [n for n in range(20_000) if bucket(b"user-%d" % n, b"one") < 1000]
    both = sum(bucket(b"user-%d" % n, b"two") < 1000 for n in first)
    assert abs(both - len(first) * 0.1) < 4 * (len(first) * 0.09) ** 0.5


def test_another_process_finds_the_same_buckets():
    code = (
        "from strangler.routing.split import bucket\n"
        "print([bucket(b'user-%d' % n, b'g') for n in range(200)])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=60, env=environment
    )
    expected = [bucket(b"user-%d" % number, b"g") for number in range(200)]
    assert printed.stdout.decode().strip() == str(expected)


@given(SHARE, st.text(min_size=1, max_size=20))
def test_the_allowed_are_in_at_every_share(new, user):
    split = chooser(new, frozenset({user}))
    choice = split.choose(
        [(b"user", user.encode("utf-8", "surrogatepass"))], b"", b"", COOKIES, lambda: 0
    )
    assert (choice.upstream, choice.reason) == (1, Reason.ALLOW)
