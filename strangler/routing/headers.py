"""Which header fields a proxy passes on, and the rules of a route that change them."""

from __future__ import annotations

import re

from strangler.config.model import HeaderRules
from strangler.config.model import Headers as HeaderPairs

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Fields for this connection only (RFC 9110 7.6.1, 11.7). `Trailer` goes with the message."""

IDENTITY_PREFIXES = (b"x-strangler-",)
"""Fields in which the gateway tells an upstream who the user is: never taken from a client."""

FORWARDING = frozenset(
    {
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-real-ip",
    }
)
"""Fields that say who the client is: computed by the gateway, a client's own are dropped."""

PROTECTED = FORWARDING | {
    b"authorization",
    b"cache-control",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"cookie",
    b"host",
    b"origin",
    b"referer",
    b"set-cookie",
    b"traceparent",
    b"tracestate",
    b"via",
    b"x-request-id",
}
"""Fields that `Connection` cannot nominate.

A client that sends `Connection: close, X-Forwarded-For` asks each proxy to remove a field which
the proxies added and the application trusts; likewise with Cookie, Authorization or Host. These
are end-to-end fields, which RFC 9110 7.6.1 forbids to nominate, so the nomination is ignored.
"""

_PROTECTED_PREFIXES = (*IDENTITY_PREFIXES, b"x-forwarded-")

NOTHING: frozenset[bytes] = frozenset()
_COMMON = {b"keep-alive": NOTHING, b"close": NOTHING, b"Keep-Alive": NOTHING, b"Upgrade": NOTHING}


def tokens(value: bytes) -> list[bytes]:
    """Lower-cased members of a comma-separated list; empty ones are skipped (RFC 9110 5.6.1)."""
    members = [member.strip(b" \t").lower() for member in value.split(b",")]
    return [member for member in members if member]


def nominated(connection: bytes) -> frozenset[bytes]:
    """Names of the fields that a Connection value asks to remove, without the protected ones."""
    known = _COMMON.get(connection)
    if known is not None:
        return known
    return frozenset(
        name
        for name in tokens(connection)
        if name not in PROTECTED and not name.startswith(_PROTECTED_PREFIXES)
    )


def te_value(te: bytes) -> bytes | None:
    """What is sent on of a TE value: `trailers` if the client takes them, else nothing."""
    return b"trailers" if b"trailers" in tokens(te) else None


_NOT_FROM_CLIENT = HOP_BY_HOP | FORWARDING | {b"proxy"}
"""`Proxy` becomes HTTP_PROXY in CGI-like servers, which libraries take for a setting."""


def from_client(name: bytes) -> bool:
    """Whether a request's field of this lower-case name may go upstream as it came.

    A name with `_` may not: WSGI reads `X_Forwarded_For` as `X-Forwarded-For`.
    """
    return not (name in _NOT_FROM_CLIENT or b"_" in name or name.startswith(IDENTITY_PREFIXES))


def via_value(version: bytes, pseudonym: bytes) -> bytes:
    """The Via member to add (RFC 9110 7.6.3) for a message that came as `1.0` or `1.1`."""
    return version + b" " + pseudonym


def via_has(via: bytes, pseudonym: bytes) -> bool:
    """Whether a Via value names `pseudonym` as a recipient: the message has been here before."""
    wanted = pseudonym.lower()
    for member in tokens(via):
        words = member.split(None, 2)
        if len(words) > 1 and words[1] == wanted:
            return True
    return False


_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[^\0\r\n]*")
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding", "upgrade"})


class CompiledHeaderRules:
    """Rules for a head: remove, then set, then add; ready to be used in one scan over it."""

    __slots__ = ("active", "dropped", "lines")

    def __init__(self, rules: HeaderRules) -> None:
        """Raises ValueError for a malformed name or value and for fields that frame messages."""
        for name, value in ((name, "") for name in rules.remove):
            _check(name, value)
        for name, value in (*rules.set, *rules.add):
            _check(name, value)
        self.dropped = _names(rules.remove) | _names(tuple(name for name, _ in rules.set))
        """Lower-case names of fields to leave out."""
        self.lines = _lines(rules.set) + _lines(rules.add)
        """Complete header lines to put at the end of the head."""
        self.active = bool(self.dropped or self.lines)

    def apply(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The raw pairs without the dropped ones; `lines` is for the caller to write."""
        return [pair for pair in headers if pair[0].lower() not in self.dropped]


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise ValueError(f"header {name!r} cannot be written into a message")
    if name.lower() in _FRAMING:
        raise ValueError(f"header {name!r} frames the message and cannot be changed")


def _names(names: tuple[str, ...]) -> frozenset[bytes]:
    return frozenset(name.lower().encode("ascii") for name in names)


def _lines(pairs: HeaderPairs) -> bytes:
    return b"".join(
        name.encode("ascii") + b": " + value.strip(" \t").encode("utf-8") + b"\r\n"
        for name, value in pairs
    )
