"""The head of a request: what llhttp leaves to us to check, and the head that goes upstream.

`FIELDS` names the header fields that mean something to a gateway; all others are copied as they
came. The client's connection calls `note` for each field of that table and `check` when the head
is complete; `upstream_head` writes the head anew for an upstream.
"""

from __future__ import annotations

import re
from random import getrandbits
from typing import TYPE_CHECKING, Final

from strangler.proxy.counters import Refusal
from strangler.routing import headers

if TYPE_CHECKING:
    from strangler.proxy.exchange import Exchange

HOST: Final = 1
CONNECTION: Final = 2
CONTENT_LENGTH: Final = 3
TRANSFER_ENCODING: Final = 4
UPGRADE: Final = 5
EXPECT: Final = 6
COOKIE: Final = 7
FORWARDED: Final = 8
VIA: Final = 9
REQUEST_ID: Final = 10
TRACEPARENT: Final = 11
TE: Final = 12
DROPPED: Final = 13

FIELDS: Final = {
    b"host": HOST,
    b"connection": CONNECTION,
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"upgrade": UPGRADE,
    b"expect": EXPECT,
    b"cookie": COOKIE,
    b"x-forwarded-for": FORWARDED,
    b"x-forwarded-proto": FORWARDED,
    b"x-forwarded-host": FORWARDED,
    b"x-forwarded-port": FORWARDED,
    b"forwarded": FORWARDED,
    b"x-real-ip": FORWARDED,
    b"via": VIA,
    b"x-request-id": REQUEST_ID,
    b"traceparent": TRACEPARENT,
    b"te": TE,
    b"keep-alive": DROPPED,
    b"proxy-connection": DROPPED,
    b"proxy-authorization": DROPPED,
    b"http2-settings": DROPPED,
    b"proxy": DROPPED,
    b"x-forwarded-ssl": DROPPED,
    b"x-forwarded-prefix": DROPPED,
    b"x-forwarded-user": DROPPED,
    b"x-forwarded-scheme": DROPPED,
}
"""Dropped fields are hop-by-hop (RFC 9110, 7.6.1) or claims that only a gateway may make."""

_TARGET: Final = re.compile(rb"[!-\"$-~]+")
"""Visible ASCII without `#`: a fragment never belongs in a target (RFC 9112, 3.2)."""
_AUTHORITY: Final = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]{0,5})?"
)
"""uri-host and port (RFC 3986, 3.2.2)."""
_MAX_VIA: Final = 8
"""So often may our own name stand in Via before a request counts as going round in a circle."""


def note(ex: Exchange, kind: int, name: bytes, value: bytes) -> None:
    """Keep a field of `FIELDS` where `check` and `upstream_head` look for it."""
    if kind == HOST:
        ex.host_fields += 1
        ex.host = value
    elif kind == COOKIE:
        ex.cookie = value if not ex.cookie else ex.cookie + b"; " + value
        ex.lines.append(b"%b: %b\r\n" % (name, value))
    elif kind == CONNECTION:
        ex.connection = value if not ex.connection else ex.connection + b"," + value
    elif kind == CONTENT_LENGTH:
        ex.length = int(value)
    elif kind == TRANSFER_ENCODING:
        ex.coding = value.lower() if not ex.coding else ex.coding + b"," + value.lower()
    elif kind == UPGRADE:
        ex.upgrade = value if not ex.upgrade else ex.upgrade + b"," + value
    elif kind == EXPECT:
        ex.expect = value
    elif kind == FORWARDED:
        ex.forwarded = (*ex.forwarded, (name.lower(), value))
    elif kind == VIA:
        ex.via = value if not ex.via else ex.via + b", " + value
    elif kind == REQUEST_ID:
        ex.request_id = value
    elif kind == TRACEPARENT:
        ex.traceparent = value
    elif kind == TE and b"trailers" in value.lower():
        ex.te_trailers = True


def check(ex: Exchange, version: str) -> Refusal | None:
    """What llhttp accepts and a gateway must not: RFC 9112 3.2, 5, 6.1; RFC 9110 7.2, 10.1.1."""
    if version == "1.0":
        ex.http10 = True
        if ex.coding:
            return Refusal.AMBIGUOUS_LENGTH
        if ex.host_fields > 1:
            return Refusal.HOST
    elif version != "1.1":
        return Refusal.VERSION
    elif ex.host_fields != 1:
        return Refusal.HOST
    if ex.coding and ex.coding != b"chunked":
        return Refusal.METHOD if b"chunked" not in ex.coding else Refusal.AMBIGUOUS_LENGTH
    if ex.method == b"CONNECT":
        return Refusal.METHOD
    if not _TARGET.fullmatch(ex.target):
        return Refusal.BAD_REQUEST
    if ex.expect and ex.expect.lower() != b"100-continue":
        return Refusal.EXPECTATION
    return _check_target(ex)


def _check_target(ex: Exchange) -> Refusal | None:
    """Split the target into path and query; an absolute one brings its own host (9112, 3.2.2)."""
    target = ex.target
    if target[0] != 0x2F:
        if target == b"*":
            if ex.method != b"OPTIONS":
                return Refusal.BAD_REQUEST
        else:
            scheme, found, rest = target.partition(b"://")
            if not found or scheme.lower() not in (b"http", b"https"):
                return Refusal.BAD_REQUEST
            cut = min((i for i in map(rest.find, (b"/", b"?")) if i >= 0), default=len(rest))
            ex.host, target = rest[:cut], rest[cut:]
            if not ex.host or b"@" in ex.host:
                return Refusal.HOST
            if not target.startswith(b"/"):
                target = b"/" + target
    if not _AUTHORITY.fullmatch(ex.host) or (not ex.host and not ex.http10):
        return Refusal.HOST
    ex.path, mark, ex.query = target.partition(b"?")
    ex.target = target
    ex.has_query = bool(mark)
    return None


def wants_websocket(ex: Exchange) -> bool:
    """Only this may become a tunnel: a GET without a body that asks for a WebSocket (RFC 6455)."""
    return (
        ex.upgrade.lower() == b"websocket"
        and ex.method == b"GET"
        and not ex.http10
        and not ex.coding
        and not ex.length
        and b"upgrade" in ex.connection.lower()
    )


def closes(ex: Exchange) -> bool:
    """The client's connection ends with this request (RFC 9112, 9.3)."""
    said = headers.tokens(ex.connection)
    return b"close" in said or (ex.http10 and b"keep-alive" not in said)


def identify(ex: Exchange) -> None:
    """Keep a valid X-Request-ID and traceparent; make new ones otherwise (W3C Trace Context)."""
    if not ex.request_id or not headers.valid_request_id(ex.request_id):
        ex.request_id = b"%032x" % getrandbits(128)
    if not ex.traceparent or not headers.valid_traceparent(ex.traceparent):
        ex.traceparent = b"00-%032x-%016x-00" % (getrandbits(128) | 1, getrandbits(64) | 1)


def looping(ex: Exchange, pseudonym: bytes) -> bool:
    """The request has come through this gateway too often already."""
    return ex.via.count(pseudonym) >= _MAX_VIA


def upstream_head(ex: Exchange, *, length: int | None) -> bytes:
    """The request's head as the upstream gets it.

    `length` is the Content-Length to send; None keeps the client's framing: its length, or
    chunks. Fields keep their bytes, their order and their repetition; ours come last.
    """
    plan, side = ex.plan, ex.side
    target = ex.target
    lines = ex.lines
    if plan.rewrite is not None and target != b"*":
        path = plan.rewrite.path(ex.path)
        target = path + b"?" + ex.query if ex.has_query else path
    nominated = headers.connection_nominated(ex.connection) if ex.connection else None
    if nominated:
        lines = [line for line in lines if line.partition(b":")[0].lower() not in nominated]
    if plan.edit_request is not None:
        lines = plan.edit_request(lines)
    return b"".join(
        (
            b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (ex.method, target, _host(ex)),
            *lines,
            _framing(ex, length),
            ex.client.forwarding(ex),
            b"X-Request-ID: %b\r\ntraceparent: %b\r\n%b\r\n"
            % (ex.request_id, ex.traceparent, side.via if not ex.via else _via(ex)),
        )
    )


def _host(ex: Exchange) -> bytes:
    host = ex.side.host
    if host is None and ex.host:
        return ex.host
    return host or ex.endpoint.authority


def _framing(ex: Exchange, length: int | None) -> bytes:
    if ex.websocket:
        return b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    framing = b""
    if length is not None:
        framing = b"Content-Length: %d\r\n" % length
    elif ex.coding:
        framing = b"Transfer-Encoding: chunked\r\n"
    elif ex.length is not None:
        framing = b"Content-Length: %d\r\n" % ex.length
    if ex.expect and not ex.continued:
        framing += b"Expect: 100-continue\r\n"
    if ex.te_trailers:
        framing += b"TE: trailers\r\nConnection: TE\r\n"
    return framing


def _via(ex: Exchange) -> bytes:
    version = b"1.0" if ex.http10 else b"1.1"
    return b"Via: %b, %b %b\r\n" % (ex.via, version, ex.plan.pseudonym)


def trailer_lines(trailers: list[tuple[bytes, bytes]]) -> bytes:
    """The trailers that may follow a body, written out (RFC 9110, 6.5.1: most fields may not)."""
    return b"".join(
        b"%b: %b\r\n" % (name, value)
        for name, value in trailers
        if name.lower() not in headers.NEVER_TRAILERS
        and b"_" not in name
        and not name.lower().startswith(headers.IDENTITY_PREFIXES)
    )
