"""What a request is bucketed by: the first source that is present."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto

from strangler.config.model import IdentityKind, IdentitySource
from strangler.routing.cookie import ProxyCookies
from strangler.routing.fields import Headers, cookie_values, header_values

Read = Callable[[Headers, bytes, bytes, ProxyCookies], bytes | None]
"""(headers, Cookie value, client address, proxy cookies) -> identity, None or empty if absent."""


class Absent(Enum):
    """What is done for a request in which no source is present."""

    OLD_SIDE = auto()
    ISSUE = auto()
    """A new identity is drawn and set as the gateway's cookie."""
    DRAW = auto()
    """A bucket is drawn for this request alone."""


class IdentityReader:
    """The sources of a group, compiled."""

    __slots__ = ("_reads", "absent", "reads_cookies_only")

    def __init__(self, sources: Sequence[IdentitySource]) -> None:
        reads = []
        self.absent = Absent.OLD_SIDE
        for source in sources:
            if source.kind is IdentityKind.RANDOM:
                self.absent = Absent.DRAW
                break
            reads.append(_reader(source))
            if source.kind is IdentityKind.PROXY_COOKIE:
                self.absent = Absent.ISSUE
                break
        self._reads: tuple[Read, ...] = tuple(reads)
        self.reads_cookies_only = all(
            source.kind in {IdentityKind.COOKIE, IdentityKind.PROXY_COOKIE}
            for source in sources[: len(reads)]
        )
        """Equal Cookie values mean equal identities."""

    def read(
        self, headers: Headers, cookie: bytes, client_ip: bytes, cookies: ProxyCookies
    ) -> bytes | None:
        """The identity, or None if none is present; an empty value counts as absent."""
        for read in self._reads:
            identity = read(headers, cookie, client_ip, cookies)
            if identity:
                return identity
        return None


def _reader(source: IdentitySource) -> Read:
    name = source.name.encode("utf-8", "surrogateescape")
    if source.kind is IdentityKind.PROXY_COOKIE:
        return lambda _headers, cookie, _ip, cookies: cookies.identity(cookie)
    if source.kind is IdentityKind.CLIENT_IP:
        return lambda _headers, _cookie, ip, _cookies: ip
    if source.kind is IdentityKind.COOKIE:
        return lambda _headers, cookie, _ip, _cookies: _first(cookie_values(cookie, name))
    lower = name.lower()
    return lambda headers, _cookie, _ip, _cookies: _first(header_values(headers, lower))


def _first(values: list[bytes]) -> bytes | None:
    return values[0] if values else None
