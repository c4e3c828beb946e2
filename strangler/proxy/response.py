"""The head of an answer: checked, freed of what concerns one connection only, and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from strangler.proxy import wire
from strangler.proxy.counters import Refusal
from strangler.proxy.request import trailer_lines
from strangler.routing import headers

if TYPE_CHECKING:
    from strangler.proxy.exchange import Exchange

CONNECTION: Final = 1
CONTENT_LENGTH: Final = 2
TRANSFER_ENCODING: Final = 3
VIA: Final = 4
DROPPED: Final = 5

FIELDS: Final = {
    b"connection": CONNECTION,
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"via": VIA,
    b"keep-alive": DROPPED,
    b"proxy-connection": DROPPED,
    b"upgrade": DROPPED,
}
"""Fields that mean something to a gateway; all others are copied as they came."""


class Fields:
    """What the special fields of one answer say."""

    closes = False
    """The endpoint will close the connection."""
    length: int | None = None
    coding = b""
    connection = b""
    via = b""
    has_body = True
    until_close = False
    """The body ends when the endpoint closes (RFC 9112, 6.3, rule 8)."""

    def __init__(self) -> None:
        self.trailers: list[tuple[bytes, bytes]] = []

    def left(self, received: int) -> int:
        """Bytes of a body with a length that are still to come."""
        return self.length - received if self.length is not None and self.has_body else 0


def note(fields: Fields, lines: list[bytes], kind: int, name: bytes, value: bytes) -> None:
    """Keep a field of `FIELDS` where `check` and `head` look for it."""
    if kind == CONTENT_LENGTH:
        fields.length = int(value)
        lines.append(b"%b: %b\r\n" % (name, value))
    elif kind == CONNECTION:
        fields.connection = value if not fields.connection else fields.connection + b"," + value
        if b"close" in value.lower():
            fields.closes = True
    elif kind == TRANSFER_ENCODING:
        fields.coding = value.lower() if not fields.coding else fields.coding + b"," + value.lower()
    elif kind == VIA:
        fields.via = value if not fields.via else fields.via + b", " + value


def check(fields: Fields, ex: Exchange, code: int, *, http10: bool) -> Refusal | None:
    """Decide how the body ends (RFC 9112, 6.3) and refuse what is ambiguous about it."""
    if code > 599 or (fields.coding and (http10 or fields.coding != b"chunked")):
        return Refusal.UPSTREAM_BAD_RESPONSE
    fields.has_body = not (ex.method == b"HEAD" or code in (204, 304))
    unframed = fields.length is None and not fields.coding
    fields.until_close = fields.has_body and unframed
    if fields.has_body and fields.length == 0:
        fields.has_body = False
    if fields.until_close or (fields.coding and fields.has_body):
        if ex.http10:
            ex.close = True
        else:
            ex.chunk_answer = True
    return None


def head(ex: Exchange, fields: Fields, lines: list[bytes], code: int, reason: bytes) -> bytes:
    """The answer's head as the client gets it."""
    plan = ex.plan
    nominated = headers.connection_nominated(fields.connection) if fields.connection else None
    if nominated:
        lines = [line for line in lines if line.partition(b":")[0].lower() not in nominated]
    if plan.maps_back is not None:
        lines = _map_back(ex, lines)
    if plan.edit_response is not None:
        lines = plan.edit_response(lines)
    ex.status = code
    if not ex.request_done:
        ex.close = True  # the client may still be sending; what follows cannot be told apart
    tail = ex.side.route_line
    if fields.via:
        tail += b"Via: %b, 1.1 %b\r\n" % (fields.via, plan.pseudonym)
    else:
        tail += ex.side.via
    if ex.chunk_answer:
        tail += wire.CHUNKED
    elif fields.coding and not fields.has_body and code != 204 and not ex.http10:
        tail += wire.CHUNKED  # the answer to HEAD says what GET would send
    if ex.new_cookie is not None:
        tail += b"Set-Cookie: %b\r\n" % ex.new_cookie
    if ex.client.closes_after(ex):
        tail += wire.CONNECTION_CLOSE
    elif ex.http10:
        tail += wire.CONNECTION_KEEP_ALIVE
    return b"".join((_status_line(code, reason), *lines, tail, b"\r\n"))


def _status_line(code: int, reason: bytes) -> bytes:
    standard = wire.STATUS_LINES.get(code)
    if standard is not None and standard[13:-2] == reason:
        return standard
    return b"HTTP/1.1 %d %b\r\n" % (code, reason)


def informational(code: int, reason: bytes, lines: list[bytes]) -> bytes:
    """An interim answer, passed on at once (RFC 9110, 15.2)."""
    return b"".join((_status_line(code, reason), *lines, b"\r\n"))


def switching(ex: Exchange, lines: list[bytes], fields: Fields) -> bytes:
    """The 101 that turns both connections into a tunnel."""
    ex.status = 101
    via = b"%b, 1.1 %b" % (fields.via, ex.plan.pseudonym) if fields.via else None
    return b"".join(
        (
            wire.STATUS_LINES[101],
            *lines,
            b"Via: %b\r\n" % via if via else ex.side.via,
            b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
            ex.side.route_line,
            b"Set-Cookie: %b\r\n" % ex.new_cookie if ex.new_cookie is not None else b"",
            b"\r\n",
        )
    )


def last_chunk(trailers: list[tuple[bytes, bytes]]) -> bytes:
    """The end of a chunked answer with those trailers that may be passed on."""
    return b"0\r\n%b\r\n" % trailer_lines(trailers) if trailers else wire.LAST_CHUNK


def _map_back(ex: Exchange, lines: list[bytes]) -> list[bytes]:
    """Undo the rewrite in what the answer says about paths and hosts."""
    rewrite = ex.plan.maps_back
    assert rewrite is not None
    origin = ex.client.origin(ex).url()
    mapped = []
    for line in lines:
        name, _, value = line[:-2].partition(b": ")
        lower = name.lower()
        if lower in (b"location", b"content-location"):
            value = rewrite.location(value, upstream_origins=ex.plan.origins, public_origin=origin)
        elif lower == b"set-cookie":
            value = rewrite.set_cookie(value, upstream_hosts=ex.plan.hosts)
        mapped.append(b"%b: %b\r\n" % (name, value))
    return mapped
