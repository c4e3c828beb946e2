"""Which upstream of a split takes a request.

The first of these decides: kill (the old side), the deny list (the old side), the allow list (the
new side), a forced header or cookie, the bucket. A share of 0 takes nobody by bucket; a person who
is allowed or forced gets there all the same, as testing a side before its first percent is what
these are for. Kill beats everything.

"The new side" is one of the upstreams beside the old one, found by the bucket with their relative
shares (the first with a share where the identity is unknown); if all their shares are 0, it is the
first in file order; if there is none, the old side.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from strangler.config.model import Group, Route, Split
from strangler.routing.cookie import ProxyCookies
from strangler.routing.fields import Headers, cookie_values, header_values
from strangler.routing.identity import Absent, IdentityReader
from strangler.routing.split import BUCKETS, Ranges, bucket

NO_BUCKET = -1
_REMEMBERED = 4096
_LONGEST = 512
"""Bytes of a Cookie value whose choice is remembered: 2 MiB per split at most."""
_NEW_SIDE = -1
_RANDOM_BITS = (1 << 128) - 1


class Reason(StrEnum):
    """What decided."""

    KILL = "kill"
    DENY = "deny"
    ALLOW = "allow"
    FORCED = "forced"
    BUCKET = "bucket"
    FIXED = "fixed"
    """One side has 100 %."""
    NO_IDENTITY = "no_identity"
    """No source is present: the side that is moved last, which is the old one."""


class Choice(NamedTuple):
    """The upstream of a request and why it is this one."""

    upstream: int
    """Index into `Chooser.upstreams`."""
    reason: Reason
    bucket: int = NO_BUCKET
    """0..9999, or -1 if none was looked at."""
    new_cookie: bytes | None = None
    """Value of a Set-Cookie header to add to the answer."""


class _Forced:
    """The header and the cookie whose value names a side."""

    __slots__ = ("_cookie", "_header", "_targets")

    def __init__(self, group: Group, upstreams: tuple[str, ...], old: int) -> None:
        self._header = (group.force.header or "").lower().encode("utf-8", "surrogateescape")
        self._cookie = (group.force.cookie or "").encode("utf-8", "surrogateescape")
        self._targets = {b"old": old, b"new": _NEW_SIDE}
        self._targets |= {name.encode(): index for index, name in enumerate(upstreams)}

    def __bool__(self) -> bool:
        return bool(self._header or self._cookie)

    def target(self, headers: Headers, cookie: bytes) -> int | None:
        """An upstream's index, or _NEW_SIDE; None if nothing known is named."""
        values = header_values(headers, self._header) if self._header else []
        if self._cookie:
            values += cookie_values(cookie, self._cookie)
        for value in values:
            if (target := self._targets.get(value)) is not None:
                return target
        return None


class Chooser:
    """A route's split with the overrides of its group, compiled."""

    __slots__ = (
        "_allow",
        "_by_cookie",
        "_cookies",
        "_deny",
        "_forced",
        "_identity",
        "_killed",
        "_known",
        "_old",
        "_overridden",
        "_ranges",
        "_salt",
        "_single",
        "fixed",
        "upstreams",
    )

    def __init__(self, route: Route, group: Group) -> None:
        """Raises TypeError if the action is no split, ValueError if its shares are not 100 %."""
        if not isinstance(route.action, Split):
            raise TypeError(f"route {route.name} has no split")
        shares = dict(route.action.shares)
        shares.setdefault(route.old, 0)
        self.upstreams = tuple(shares)
        """In file order; the old side comes last if the split does not name it."""
        self._old = self.upstreams.index(route.old)
        self._ranges = Ranges(tuple(shares.values()), self._old)
        self._single = self._ranges.top if max(shares.values()) == BUCKETS else None
        self._identity = IdentityReader(group.identity)
        self._salt = group.salt.encode("utf-8", "surrogateescape")
        self._allow = _identities(group.allow)
        self._deny = _identities(group.deny)
        self._forced = _Forced(group, self.upstreams, self._old)
        self._overridden = bool(self._allow or self._deny or self._forced)
        self._killed = Choice(self._old, Reason.KILL) if group.kill else None
        self._by_cookie = self._identity.reads_cookies_only and not self._overridden
        self._known: dict[bytes, Choice] = {}
        """Choices by Cookie value, where nothing else decides; bounded, as clients send them."""
        self._cookies: ProxyCookies | None = None
        """Who verified the cookies in `_known`."""
        self.fixed = None if self._overridden else self._single
        """The upstream's index if no request needs a decision, else None."""
        if self._killed is not None:
            self.fixed = self._old

    def choose(
        self,
        headers: Headers,
        cookie: bytes,
        client_ip: bytes,
        cookies: ProxyCookies,
        draw: Callable[[], int],
        *,
        https: bool = False,
    ) -> Choice:
        """Decide for one request; the same code explains a decision.

        `headers` are raw pairs with lower-cased names, `cookie` the Cookie header's value,
        `draw` gives 128 random bits as an int and is called only if one is needed, `https` says
        how the client came (the gateway's cookie may be Secure).
        """
        if self._killed is not None:
            return self._killed
        if cookies is self._cookies and (known := self._known.get(cookie)) is not None:
            return known
        identity = self._identity.read(headers, cookie, client_ip, cookies)
        if self._overridden:
            choice = self._override(identity, headers, cookie)
            if choice is not None:
                return choice
        if self._single is not None:
            return Choice(self._single, Reason.FIXED)
        if identity is None:
            return self._without_identity(cookies, draw, https=https)
        number = bucket(identity, self._salt)
        choice = Choice(self._ranges.owner(number), Reason.BUCKET, number)
        if self._by_cookie:
            self._remember(cookie, cookies, choice)
        return choice

    def _remember(self, cookie: bytes, cookies: ProxyCookies, choice: Choice) -> None:
        if len(cookie) > _LONGEST:
            return
        if cookies is not self._cookies or len(self._known) >= _REMEMBERED:
            self._known.clear()
            self._cookies = cookies
        self._known[cookie] = choice

    def _override(self, identity: bytes | None, headers: Headers, cookie: bytes) -> Choice | None:
        if identity in self._deny:
            return Choice(self._old, Reason.DENY)
        if identity in self._allow:
            return self._new_side(identity, Reason.ALLOW)
        target = self._forced.target(headers, cookie)
        if target is None:
            return None
        if target == _NEW_SIDE:
            return self._new_side(identity, Reason.FORCED)
        return Choice(target, Reason.FORCED)

    def _new_side(self, identity: bytes | None, reason: Reason) -> Choice:
        number = NO_BUCKET if identity is None else bucket(identity, self._salt)
        upstream = self._ranges.other(max(number, 0))
        if upstream is None:
            others = [index for index in range(len(self.upstreams)) if index != self._old]
            upstream = others[0] if others else self._old
        return Choice(upstream, reason, number)

    def _without_identity(
        self, cookies: ProxyCookies, draw: Callable[[], int], *, https: bool
    ) -> Choice:
        absent = self._identity.absent
        if absent is Absent.OLD_SIDE:
            return Choice(self._ranges.top, Reason.NO_IDENTITY)
        random = draw() & _RANDOM_BITS
        if absent is Absent.DRAW:
            number = random % BUCKETS
            return Choice(self._ranges.owner(number), Reason.BUCKET, number)
        identity, set_cookie = cookies.issue(random.to_bytes(16, "big"), https)
        number = bucket(identity, self._salt)
        return Choice(self._ranges.owner(number), Reason.BUCKET, number, set_cookie)


def _identities(names: frozenset[str]) -> frozenset[bytes]:
    return frozenset(name.encode("utf-8", "surrogateescape") for name in names)
