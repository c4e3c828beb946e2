"""The head of a request, taken apart: what llhttp leaves to us to check is checked here.

`_FIELDS` names the header fields that mean something to a gateway; all other lines are copied as
they came.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from strangler.proxy.counters import Refusal
from strangler.proxy.fields import (
    HeadError,
    Lines,
    approve_request,
    drop,
)
from strangler.routing import headers

if TYPE_CHECKING:
    from strangler.config.model import Limits
    from strangler.proxy.state import ExchangeState

_TARGET: Final = re.compile(rb"[!\"$-~]+")
"""Visible ASCII without `#`: a fragment never belongs in a target (RFC 9112, 3.2)."""
_AUTHORITY: Final = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]{0,5})?"
)
"""uri-host and port (RFC 3986, 3.2.2)."""
_USUAL_START: Final = re.compile(
    rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) ((/[!\"$->@-~]*)(?:\?([!\"$-~]*))?) HTTP/1\.1"
)
"""Method, target, path, query: what nearly every request line is."""
_GOOD_HOSTS: Final[set[bytes]] = set()
_HOSTS_REMEMBERED: Final = 1024
_OTHER_VERSION: Final = re.compile(rb"[^\r\n]* HTTP/[0-9.]+\r\n")


def read(ex: ExchangeState, head: bytes, limits: Limits) -> Refusal | None:
    """Read a head, from its first byte to its empty line, into `ex`; or say why it is refused."""
    lines = head.split(b"\r\n")
    start = lines[0]
    if len(start) > limits.request_line:
        return Refusal.URI_TOO_LONG
    if len(head) > limits.header_bytes or len(lines) - 3 > limits.header_count:
        return Refusal.HEAD_TOO_LARGE
    usual = _USUAL_START.fullmatch(start)
    del lines[-2:], lines[0]
    try:
        _read_lines(ex, head, lines, always_ask=usual is None)
    except HeadError as error:
        return _complaint(head, str(error))
    refusal = _read_start(ex, start, usual)
    if refusal is None and (ex.unusual or ex.http10):
        return _check(ex)
    return refusal


def _read_lines(ex: ExchangeState, head: bytes, lines: list[bytes], *, always_ask: bool) -> None:
    """Note or keep each line; llhttp is asked if one is new, or always. Raises HeadError."""
    approved = always_ask
    if always_ask:
        approve_request(head)
    ex.head = lines
    kept = ex.lines
    known = _LINES.known
    for line in lines:
        try:
            what = known[line]
        except KeyError:
            if not approved:
                approve_request(head)
                approved = True
            what = _LINES.learn(line)
        if what is None:
            kept.append(line)
        else:
            what[0](ex, what[1], line)


def _read_start(ex: ExchangeState, start: bytes, usual: re.Match[bytes] | None) -> Refusal | None:
    if usual is None:
        refusal = _unusual_start(ex, start)
        if refusal is not None:
            return refusal
    else:
        ex.method, ex.target, ex.path, query = usual.groups()
        if query is not None:
            ex.query = query
            ex.has_query = True
        if ex.host_fields != 1:
            return Refusal.HOST
    if ex.host in _GOOD_HOSTS or _is_host(ex.host, may_lack=ex.http10):
        return None
    return Refusal.HOST


def _complaint(head: bytes, error: str) -> Refusal:
    if "method" in error:
        return Refusal.METHOD
    if "Content-Length" in error or "Transfer-Encoding" in error:
        return Refusal.AMBIGUOUS_LENGTH
    if "version" in error.lower() and _OTHER_VERSION.match(head):
        return Refusal.VERSION
    return Refusal.BAD_REQUEST


def _note_host(ex: ExchangeState, value: bytes, _line: bytes) -> None:
    ex.host_fields += 1
    ex.host = value


def _note_connection(ex: ExchangeState, value: bytes, _line: bytes) -> None:
    ex.connection = value if not ex.connection else ex.connection + b"," + value
    ex.unusual = ex.unusual or value.lower() != b"keep-alive"


def _note_length(ex: ExchangeState, value: bytes, _line: bytes) -> None:
    if ex.length is not None or ex.coding:
        ex.framed_twice = ex.unusual = True
    ex.length = int(value)


def _note_coding(ex: ExchangeState, value: bytes, _line: bytes) -> None:
    ex.coding = value.lower() if not ex.coding else ex.coding + b"," + value.lower()
    ex.framed_twice = ex.framed_twice or ex.length is not None
    ex.unusual = True


def _note_upgrade(ex: ExchangeState, value: bytes, _line: bytes) -> None:
    ex.upgrade = value if not ex.upgrade else ex.upgrade + b"," + value
    ex.unusual = True


def _note_expect(ex: ExchangeState, value: bytes, _line: bytes) -> None:
    ex.expect = value
    ex.unusual = True


def _note_cookie(ex: ExchangeState, value: bytes, line: bytes) -> None:
    ex.cookie = value if not ex.cookie else ex.cookie + b"; " + value
    ex.lines.append(line)


def _note_forwarded(ex: ExchangeState, value: bytes, line: bytes) -> None:
    ex.forwarded = [*ex.forwarded, (line.partition(b":")[0].lower(), value)]


def _note_via(ex: ExchangeState, value: bytes, _line: bytes) -> None:
    ex.via = value if not ex.via else ex.via + b", " + value


def _note_request_id(ex: ExchangeState, value: bytes, _line: bytes) -> None:
    ex.request_id = value if headers.valid_request_id(value) else b""


def _note_traceparent(ex: ExchangeState, value: bytes, _line: bytes) -> None:
    ex.traceparent = value if headers.valid_traceparent(value) else b""


def _note_te(ex: ExchangeState, value: bytes, _line: bytes) -> None:
    ex.te_trailers = b"trailers" in headers.tokens(value)
    ex.unusual = True


_FIELDS: Final = {
    b"host": _note_host,
    b"connection": _note_connection,
    b"content-length": _note_length,
    b"transfer-encoding": _note_coding,
    b"upgrade": _note_upgrade,
    b"expect": _note_expect,
    b"cookie": _note_cookie,
    b"via": _note_via,
    b"x-request-id": _note_request_id,
    b"traceparent": _note_traceparent,
    b"te": _note_te,
    **dict.fromkeys(headers.FORWARDING, _note_forwarded),
    **dict.fromkeys(
        (b"keep-alive", b"proxy-connection", b"proxy-authorization", b"http2-settings", b"proxy"),
        drop,
    ),
    **dict.fromkeys(
        (
            b"x-forwarded-ssl",
            b"x-forwarded-prefix",
            b"x-forwarded-user",
            b"x-forwarded-scheme",
            b"x-forwarded-by",
            b"x-forwarded-server",
        ),
        drop,
    ),
}
"""Fields that mean something here. Dropped ones are hop-by-hop (RFC 9110, 7.6.1), or claims that
only a gateway may make."""


def _is_dropped(name: bytes) -> bool:
    """WSGI cannot tell `X_Forwarded_For` from `X-Forwarded-For`: no `_` gets through."""
    return b"_" in name or name.startswith(headers.IDENTITY_PREFIXES)


_LINES: Final[Lines[ExchangeState]] = Lines(_FIELDS, _is_dropped)


def _unusual_start(ex: ExchangeState, start: bytes) -> Refusal | None:
    """HTTP/1.0, absolute targets, `*`, and what is none of them (RFC 9112, 3)."""
    parts = start.split(b" ")
    if len(parts) != 3:
        return Refusal.BAD_REQUEST
    ex.method, target, version = parts
    ex.http10 = version == b"HTTP/1.0"
    if not ex.http10 and version != b"HTTP/1.1":
        return Refusal.VERSION
    if ex.method == b"CONNECT":
        return Refusal.METHOD
    if ex.host_fields != 1 and not (ex.http10 and ex.host_fields == 0):
        return Refusal.HOST
    if not _TARGET.fullmatch(target):
        return Refusal.BAD_REQUEST
    if target == b"*":
        ex.target = ex.path = target
        return None if ex.method == b"OPTIONS" else Refusal.BAD_REQUEST
    if target[0] != 0x2F:
        scheme, found, rest = target.partition(b"://")
        if not found or scheme.lower() not in (b"http", b"https"):
            return Refusal.BAD_REQUEST
        cut = min((i for i in map(rest.find, (b"/", b"?")) if i >= 0), default=len(rest))
        ex.host, target = rest[:cut], rest[cut:]
        if not ex.host or b"@" in ex.host:
            return Refusal.HOST
        target = target if target.startswith(b"/") else b"/" + target
    ex.target = target
    ex.path, mark, ex.query = target.partition(b"?")
    ex.has_query = bool(mark)
    return None


def _is_host(host: bytes, *, may_lack: bool) -> bool:
    """Whether a Host is one (RFC 9112, 3.2); good ones are remembered."""
    if not host:
        return may_lack
    if not _AUTHORITY.fullmatch(host):
        return False
    if len(_GOOD_HOSTS) >= _HOSTS_REMEMBERED:
        _GOOD_HOSTS.clear()
    _GOOD_HOSTS.add(host)
    return True


def _check(ex: ExchangeState) -> Refusal | None:
    """What llhttp accepts and a gateway must not: RFC 9112 6.1; RFC 9110 7.8, 10.1.1."""
    if ex.framed_twice:
        return Refusal.AMBIGUOUS_LENGTH
    if ex.coding:
        if ex.http10:
            return Refusal.AMBIGUOUS_LENGTH
        if ex.coding != b"chunked":
            return Refusal.METHOD if b"chunked" not in ex.coding else Refusal.AMBIGUOUS_LENGTH
    if ex.expect and ex.expect.lower() != b"100-continue":
        return Refusal.EXPECTATION
    said = headers.tokens(ex.connection)
    ex.close = b"close" in said or (ex.http10 and b"keep-alive" not in said)
    ex.websocket = bool(ex.upgrade) and _wants_websocket(ex)
    return None


def _wants_websocket(ex: ExchangeState) -> bool:
    """Only this may become a tunnel: a GET without a body that asks for a WebSocket (RFC 6455)."""
    return (
        ex.upgrade.lower() == b"websocket"
        and ex.method == b"GET"
        and not ex.http10
        and not ex.coding
        and not ex.length
        and b"upgrade" in headers.tokens(ex.connection)
    )
