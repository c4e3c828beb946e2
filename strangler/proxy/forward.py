"""A request's head as it goes upstream: who sent it, what it is called, how its body is framed."""

from __future__ import annotations

from binascii import hexlify
from random import randbytes
from typing import TYPE_CHECKING, Final

from strangler.proxy.fields import without
from strangler.routing import headers

if TYPE_CHECKING:
    from strangler.proxy.state import ExchangeState

_MAX_VIA: Final = 8
"""So often may our own name stand in Via before a request counts as going round in a circle."""


def identify(ex: ExchangeState) -> None:
    """Keep a valid X-Request-ID and traceparent; make new ones otherwise (W3C Trace Context)."""
    digits = hexlify(randbytes(24))
    if not ex.request_id:
        ex.request_id = digits[:32]
    if not ex.traceparent:
        # No span is recorded here, so the sampled flag stays off.
        ex.traceparent = b"00-%b-%b-00" % (digits[:32], digits[32:])


def looping(ex: ExchangeState, pseudonym: bytes) -> bool:
    """The request has come through this gateway too often already."""
    return ex.via.count(pseudonym) >= _MAX_VIA


def upstream_head(ex: ExchangeState, *, length: int | None) -> bytes:
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
    if ex.connection:
        nominated = headers.connection_nominated(ex.connection)
        if nominated:
            lines = without(lines, nominated)
    if plan.edit_request is not None:
        lines = plan.edit_request(lines)
    host = side.host
    if host is None and ex.host:
        host = ex.host
    return b"".join(
        (
            ex.method,
            b" ",
            target,
            b" HTTP/1.1\r\nHost: ",
            host or ex.endpoint.authority,
            b"\r\n",
            b"\r\n".join(lines),
            b"\r\n" if lines else b"",
            b"" if ex.length is None and not ex.unusual else _framing(ex, length),
            ex.client.forwarding(ex),
            b"X-Request-ID: ",
            ex.request_id,
            b"\r\ntraceparent: ",
            ex.traceparent,
            b"\r\n",
            side.via if not ex.via else _via(ex),
            b"\r\n",
        )
    )


def _framing(ex: ExchangeState, length: int | None) -> bytes:
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


def _via(ex: ExchangeState) -> bytes:
    version = b"1.0" if ex.http10 else b"1.1"
    return b"Via: %b, %b %b\r\n" % (ex.via, version, ex.plan.pseudonym)


def trailer_lines(trailers: list[bytes]) -> bytes:
    """The trailers that may follow a body, written out (RFC 9110, 6.5.1: most fields may not)."""
    return b"".join(
        line + b"\r\n"
        for line in trailers
        if (name := line.partition(b":")[0].lower()) not in headers.NEVER_TRAILERS
        and b"_" not in name
        and not name.startswith(headers.IDENTITY_PREFIXES)
    )
