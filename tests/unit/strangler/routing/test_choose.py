import pytest

from strangler.config.model import (
    Force,
    Group,
    IdentityKind,
    IdentitySource,
    Match,
    ProxyCookie,
    Respond,
    Route,
    Split,
)
from strangler.routing.choose import NO_BUCKET, Choice, Chooser, Reason
from strangler.routing.cookie import ProxyCookies
from strangler.routing.split import bucket

COOKIES = ProxyCookies(ProxyCookie(), b"a key of sixteen bytes or more")
USER = IdentitySource(IdentityKind.HEADER, "X-User")
LOW, HIGH = b"low-0", b"user-1"
"""Identities with a bucket below 1000 and one of 9696 under the salt `reviews`."""


def chooser(*shares, old="legacy", **parts):
    group = Group("reviews", "reviews", **{"identity": (USER,), **parts})
    return Chooser(Route("r", Match(), Split(shares), "reviews", old), group)


def no_draw():
    raise AssertionError("nothing needs to be drawn")


def choose(
    chosen_from, user=None, *, headers=(), cookie=b"", ip=b"192.0.2.7", draw=no_draw, **more
):
    headers = [*headers, *([(b"x-user", user)] if user is not None else [])]
    return chosen_from.choose(headers, cookie, ip, COOKIES, draw, **more)


TEN = (("new", 1000), ("legacy", 9000))
TWO_NEW = (("a", 100), ("legacy", 9600), ("b", 300))


def test_the_identities_of_these_tests():
    assert bucket(LOW, b"reviews") < 1000
    assert bucket(HIGH, b"reviews") == 9696


def test_the_bucket_decides():
    split = chooser(*TEN)
    assert split.upstreams == ("new", "legacy")
    assert split.fixed is None
    low = bucket(LOW, b"reviews")
    assert choose(split, LOW) == Choice(0, Reason.BUCKET, low)
    assert choose(split, HIGH) == Choice(1, Reason.BUCKET, 9696)


def test_the_old_side_is_always_there():
    split = chooser(("new", 10000))
    assert split.upstreams == ("new", "legacy")
    assert split.fixed == 0


@pytest.mark.parametrize(
    ("shares", "parts", "fixed"),
    [
        ((("new", 10000),), {}, 0),
        ((("new", 0), ("legacy", 10000)), {}, 1),
        ((("legacy", 10000),), {}, 0),
        (TEN, {}, None),
        ((("new", 10000),), {"allow": frozenset({"x"})}, None),
        ((("new", 10000),), {"deny": frozenset({"x"})}, None),
        ((("new", 10000),), {"force": Force(header="X")}, None),
        ((("new", 10000),), {"force": Force(cookie="x")}, None),
        (TEN, {"kill": True}, 1),
        ((("new", 10000),), {"kill": True}, 1),
    ],
)
def test_fixed_when_no_request_needs_a_decision(shares, parts, fixed):
    assert chooser(*shares, **parts).fixed == fixed


def test_one_share_of_a_hundred_draws_nothing_and_sets_no_cookie():
    proxy = (IdentitySource(IdentityKind.PROXY_COOKIE),)
    split = chooser(("new", 10000), identity=proxy, allow=frozenset({"x"}))
    assert choose(split) == Choice(0, Reason.FIXED)


def test_overrides_in_their_order():
    everything = {
        "deny": frozenset({"both", "denied"}),
        "allow": frozenset({"both", "allowed"}),
        "force": Force(header="X-Side", cookie="side"),
    }
    split = chooser(*TEN, **everything)
    to_new, to_old = [(b"x-side", b"new")], [(b"x-side", b"old")]
    assert choose(split, b"both", headers=to_new)[:2] == (1, Reason.DENY)
    assert choose(split, b"denied", headers=to_new)[:2] == (1, Reason.DENY)
    assert choose(split, b"allowed", headers=to_old)[:2] == (0, Reason.ALLOW)
    assert choose(split, HIGH, headers=to_new)[:2] == (0, Reason.FORCED)
    assert choose(split, LOW, headers=to_old)[:2] == (1, Reason.FORCED)
    killed = chooser(*TEN, **everything, kill=True)
    for user in (b"both", b"allowed", LOW):
        assert choose(killed, user, headers=to_new) == Choice(1, Reason.KILL)


@pytest.mark.parametrize(
    ("headers", "cookie", "expected"),
    [
        ([(b"x-side", b"new")], b"", (0, Reason.FORCED)),
        ([(b"x-side", b"reviews2")], b"", (1, Reason.BUCKET)),
        ([(b"x-side", b"legacy")], b"side=new", (1, Reason.FORCED)),
        ([], b"side=new", (0, Reason.FORCED)),
        ([], b"a=1; side=old", (1, Reason.FORCED)),
        ([(b"x-side", b"junk")], b"side=new", (0, Reason.FORCED)),
        ([(b"x-side", b"NEW")], b"xside=new", (1, Reason.BUCKET)),
        ([(b"x-side", b"")], b"", (1, Reason.BUCKET)),
    ],
)
def test_a_forced_header_then_cookie_names_a_side_of_the_split(headers, cookie, expected):
    split = chooser(*TEN, force=Force(header="X-Side", cookie="side"))
    assert choose(split, HIGH, headers=headers, cookie=cookie)[:2] == expected


def test_forced_and_allowed_reach_a_side_of_zero_percent():
    split = chooser(
        ("a", 0), ("b", 0), ("legacy", 10000), allow=frozenset({"x"}), force=Force(header="X-Side")
    )
    assert choose(split, b"x")[:2] == (0, Reason.ALLOW)
    assert choose(split, headers=[(b"x-side", b"b")])[:2] == (1, Reason.FORCED)
    assert choose(split, headers=[(b"x-side", b"new")])[:2] == (0, Reason.FORCED)
    assert choose(split, LOW) == Choice(2, Reason.FIXED)


def test_allowed_identities_are_spread_over_the_new_sides():
    names = [f"user{number}" for number in range(400)]
    split = chooser(*TWO_NEW, allow=frozenset(names))
    chosen = [choose(split, name.encode()).upstream for name in names]
    assert set(chosen) == {0, 2}
    assert 60 < chosen.count(0) < 140


def test_forced_to_new_without_an_identity_is_the_first_with_a_share():
    split = chooser(("a", 0), ("b", 100), ("legacy", 9900), force=Force(header="X-Side"))
    choice = choose(split, headers=[(b"x-side", b"new")])
    assert choice == Choice(1, Reason.FORCED, NO_BUCKET)


def test_without_a_new_side_the_old_one_stands_in():
    split = chooser(("legacy", 10000), allow=frozenset({"x"}))
    assert choose(split, b"x")[:2] == (0, Reason.ALLOW)


def test_no_identity_goes_to_the_side_that_is_moved_last():
    assert choose(chooser(*TEN)) == Choice(1, Reason.NO_IDENTITY)
    assert choose(chooser(*TEN), b"") == Choice(1, Reason.NO_IDENTITY)
    halves = chooser(("a", 5000), ("b", 5000))
    assert choose(halves) == Choice(1, Reason.NO_IDENTITY)


def test_the_first_source_that_is_present_counts():
    sources = (
        IdentitySource(IdentityKind.COOKIE, "uid"),
        USER,
        IdentitySource(IdentityKind.CLIENT_IP),
    )
    split = chooser(*TEN, identity=sources)
    assert choose(split, b"b", cookie=b"uid=a").bucket == bucket(b"a", b"reviews")
    assert choose(split, b"b", cookie=b"uid=").bucket == bucket(b"b", b"reviews")
    assert choose(split).bucket == bucket(b"192.0.2.7", b"reviews")


def test_random_draws_once_per_request():
    drawn = iter([500, 19_999])
    split = chooser(*TEN, identity=(USER, IdentitySource(IdentityKind.RANDOM)))
    assert choose(split, draw=lambda: next(drawn)) == Choice(0, Reason.BUCKET, 500)
    assert choose(split, draw=lambda: next(drawn)) == Choice(1, Reason.BUCKET, 9999)
    assert choose(split, HIGH).bucket == 9696


def test_a_proxy_cookie_is_issued_once_and_sticks():
    split = chooser(*TEN, identity=(IdentitySource(IdentityKind.PROXY_COOKIE), USER))
    first = choose(split, HIGH, draw=lambda: 7, https=True)
    assert first.new_cookie.endswith(b"; Secure")
    again = choose(split, HIGH, cookie=first.new_cookie.partition(b";")[0])
    assert again == first._replace(new_cookie=None)
    assert choose(split, draw=lambda: -1).new_cookie.endswith(b"SameSite=Lax")


def test_only_a_split_can_be_chosen_from():
    route = Route("gone", Match(), Respond(410), "gone", "legacy")
    with pytest.raises(TypeError):
        Chooser(route, Group("gone", "gone"))


def test_a_remembered_choice_is_the_same_and_belongs_to_one_key():
    split = chooser(*TEN, identity=(IdentitySource(IdentityKind.PROXY_COOKIE),))
    mine, other = (ProxyCookies(ProxyCookie(), bytes([key]) * 32) for key in (1, 2))
    identity, set_cookie = mine.issue(b"r" * 16, https=False)
    cookie = set_cookie.partition(b";")[0]
    first = split.choose([], cookie, b"", mine, no_draw)
    assert first.bucket == bucket(identity, b"reviews")
    assert split.choose([], cookie, b"", mine, no_draw) == first
    assert split.choose([], cookie, b"", other, lambda: 7).new_cookie is not None
