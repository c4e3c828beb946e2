"""Which header fields a proxy passes on, and the small grammars of those it reads or writes."""

from __future__ import annotations

import re

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

NEVER_TRAILERS = (
    HOP_BY_HOP
    | PROTECTED
    | {
        b"content-range",
        b"expect",
        b"location",
        b"max-forwards",
        b"pragma",
        b"proxy",
        b"range",
        b"retry-after",
        b"trailer",
        b"vary",
        b"www-authenticate",
    }
)
"""Fields that frame, route, authenticate or control: no trailer may change them (9110, 6.5.1)."""

_PROTECTED_PREFIXES = (*IDENTITY_PREFIXES, b"x-forwarded-")

NOTHING: frozenset[bytes] = frozenset()
_COMMON = {b"keep-alive": NOTHING, b"close": NOTHING, b"Keep-Alive": NOTHING, b"Upgrade": NOTHING}


def tokens(value: bytes) -> list[bytes]:
    """Lower-cased members of a comma-separated list; empty ones are skipped (RFC 9110 5.6.1)."""
    members = [member.strip(b" \t").lower() for member in value.split(b",")]
    return [member for member in members if member]


def connection_nominated(connection: bytes) -> frozenset[bytes]:
    """Names of the fields that a Connection value asks to remove, without the protected ones."""
    known = _COMMON.get(connection)
    if known is not None:
        return known
    return frozenset(
        name
        for name in tokens(connection)
        if name not in PROTECTED and not name.startswith(_PROTECTED_PREFIXES)
    )


def via_has(via: bytes, pseudonym: bytes) -> bool:
    """Whether a Via value (RFC 9110 7.6.3) names `pseudonym`: the message was here before."""
    wanted = pseudonym.lower()
    for member in tokens(via):
        words = member.split(None, 2)
        if len(words) > 1 and words[1] == wanted:
            return True
    return False


_REQUEST_ID = re.compile(rb"[A-Za-z0-9._~+/=:@-]{1,128}").fullmatch
_TRACEPARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[ -~]*)?"
).fullmatch


def valid_request_id(value: bytes) -> bool:
    """Whether a client's X-Request-ID may be kept: 1 to 128 characters that are safe in logs."""
    return _REQUEST_ID(value) is not None


def valid_traceparent(value: bytes) -> bool:
    """Whether a traceparent is well formed (W3C Trace Context 3.2.2).

    Later versions may have more fields behind ours; version ff and ids of zeros are invalid.
    """
    found = _TRACEPARENT(value)
    return found is not None and (found[1] != b"00" or found[2] is None)
