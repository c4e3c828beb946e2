"""The head of an answer: checked, freed of what concerns one connection only, and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from strangler.proxy import wire
from strangler.proxy.fields import (
    HeadError,
    Lines,
    approve_response,
    drop,
    without,
)
from strangler.proxy.forward import trailer_lines
from strangler.routing import headers

if TYPE_CHECKING:
    from strangler.proxy.exchange import Exchange


_STARTS: Final[dict[bytes, int]] = {}
"""Codes of status lines that llhttp has approved; bounded, though there are few."""
_STARTS_REMEMBERED: Final = 256


def _learn_start(start: bytes) -> int:
    if not start.startswith(b"HTTP/1."):  # llhttp passes over empty lines, and knows 0.9 and 2.0
        raise HeadError("no status line of HTTP/1")
    if len(_STARTS) >= _STARTS_REMEMBERED:
        _STARTS.clear()
    code = _STARTS[start] = int(start[9:12])
    return code


class Answer:
    """What the head of one answer says."""

    __slots__ = (
        "closes",
        "code",
        "coding",
        "connection",
        "framed_twice",
        "has_body",
        "length",
        "lines",
        "names_places",
        "start",
        "until_close",
        "upgrade",
        "via",
    )

    def __init__(self) -> None:
        self.code = 0
        self.start = b""
        """The status line, as HTTP/1.1."""
        self.lines: list[bytes] = []
        """Lines to copy."""
        self.closes = False
        """The endpoint will close the connection."""
        self.length: int | None = None
        self.coding = b""
        self.framed_twice = False
        self.connection = b""
        self.via = b""
        self.upgrade = b""
        self.names_places = False
        """It names paths or hosts, which a rewrite must map back."""
        self.has_body = True
        self.until_close = False
        """The body ends when the endpoint closes (RFC 9112, 6.3, rule 8)."""


def read(head: bytes) -> Answer | None:
    """Take apart a head, from its first byte to its empty line; None if it is invalid."""
    lines = head.split(b"\r\n")
    start = lines[0]
    del lines[-2:], lines[0]
    answer = Answer()
    kept = answer.lines
    known = _LINES.known
    approved = False
    code = _STARTS.get(start)
    try:
        if code is None:
            approve_response(head)
            approved = True
            code = _learn_start(start)
        for line in lines:
            try:
                what = known[line]
            except KeyError:
                if not approved:
                    approve_response(head)
                    approved = True
                what = _LINES.learn(line)
            if what is None:
                kept.append(line)
            else:
                what[0](answer, what[1], line)
    except HeadError:
        return None
    answer.code = code
    answer.start = start
    if not start.startswith(b"HTTP/1.1 "):
        answer.closes = True
        answer.start = b"HTTP/1.1" + start[8:]
    if answer.framed_twice:
        return None
    if answer.coding and (answer.coding != b"chunked" or start[:8] != b"HTTP/1.1"):
        return None
    return answer


def _note_length(answer: Answer, value: bytes, line: bytes) -> None:
    answer.framed_twice = answer.length is not None or bool(answer.coding)
    answer.length = int(value)
    answer.lines.append(line)


def _note_connection(answer: Answer, value: bytes, _line: bytes) -> None:
    answer.connection = value if not answer.connection else answer.connection + b"," + value
    if value != b"keep-alive" and b"close" in headers.tokens(value):
        answer.closes = True


def _note_coding(answer: Answer, value: bytes, _line: bytes) -> None:
    answer.framed_twice = answer.framed_twice or answer.length is not None
    answer.coding = value.lower() if not answer.coding else answer.coding + b"," + value.lower()


def _note_via(answer: Answer, value: bytes, _line: bytes) -> None:
    answer.via = value if not answer.via else answer.via + b", " + value


def _note_upgrade(answer: Answer, value: bytes, _line: bytes) -> None:
    answer.upgrade = value


def _note_place(answer: Answer, _value: bytes, line: bytes) -> None:
    answer.names_places = True
    answer.lines.append(line)


_LINES: Final[Lines[Answer]] = Lines(
    {
        b"connection": _note_connection,
        b"content-length": _note_length,
        b"transfer-encoding": _note_coding,
        b"via": _note_via,
        b"upgrade": _note_upgrade,
        b"location": _note_place,
        b"content-location": _note_place,
        b"set-cookie": _note_place,
        b"keep-alive": drop,
        b"proxy-connection": drop,
    },
    lambda _name: False,
)
"""Fields that mean something to a gateway; all others are copied as they came."""


_LENGTH: Final = frozenset((b"content-length",))


def frame(answer: Answer, ex: Exchange) -> None:
    """Decide how the body ends (RFC 9112, 6.3) and how it is framed for the client."""
    code = answer.code
    if ex.method == b"HEAD" or code in (204, 304):
        answer.has_body = False
        if code == 204 and answer.length is not None:
            answer.lines = without(answer.lines, _LENGTH)  # RFC 9110, 8.6
        return
    if answer.length is not None:
        answer.has_body = answer.length > 0
        return
    answer.until_close = not answer.coding
    if ex.http10:
        ex.close = True
    else:
        ex.chunk_answer = True


def head(ex: Exchange, answer: Answer) -> bytes:
    """The answer's head as the client gets it."""
    plan = ex.plan
    lines = answer.lines
    if answer.connection:
        nominated = headers.connection_nominated(answer.connection)
        if nominated:
            lines = without(lines, nominated)
    if answer.names_places and plan.maps_back is not None:
        lines = _map_back(ex, lines)
    if plan.edit_response is not None:
        lines = plan.edit_response(lines)
    ex.status = answer.code
    side = ex.side
    if (
        ex.request_done
        and not (ex.http10 or ex.close or answer.coding or answer.until_close or answer.via)
        and ex.new_cookie is None
        and not ex.client.plane.draining
    ):  # nothing to say about this connection
        return b"\r\n".join((answer.start, *lines, side.plain_tail))
    tail = side.answer_tail if not answer.via else _tail(ex, answer)
    return b"\r\n".join((answer.start, *lines, tail + _framing(ex, answer)))


def _tail(ex: Exchange, answer: Answer) -> bytes:
    via = b"Via: %b, 1.1 %b\r\n" % (answer.via, ex.plan.pseudonym)
    return ex.side.route_line + via


def _framing(ex: Exchange, answer: Answer) -> bytes:
    """Lines that depend on the client's connection, and the empty line."""
    if not ex.request_done:
        ex.close = True  # the client may still be sending; what follows cannot be told apart
    lines = b""
    if ex.chunk_answer:
        lines = wire.CHUNKED
    elif answer.coding and answer.code not in (204, 304) and not ex.http10:
        lines = wire.CHUNKED  # the answer to HEAD says what GET would send
    if ex.new_cookie is not None:
        lines += b"Set-Cookie: %b\r\n" % ex.new_cookie
    if ex.client.closes_after(ex):
        lines += wire.CONNECTION_CLOSE
    elif ex.http10:
        lines += wire.CONNECTION_KEEP_ALIVE
    return lines + b"\r\n"


def informational(answer: Answer) -> bytes:
    """An interim answer, passed on at once (RFC 9110, 15.2)."""
    return b"\r\n".join((answer.start, *answer.lines, b"", b""))


def switching(ex: Exchange, answer: Answer) -> bytes:
    """The 101 that turns both connections into a tunnel."""
    ex.status = 101
    return b"\r\n".join(
        (
            answer.start,
            *answer.lines,
            b"Connection: Upgrade\r\nUpgrade: websocket",
            _tail(ex, answer) if answer.via else ex.side.answer_tail,
        )
    ) + (b"Set-Cookie: %b\r\n\r\n" % ex.new_cookie if ex.new_cookie is not None else b"\r\n")


def last_chunk(trailers: list[bytes]) -> bytes:
    """The end of a chunked answer with those trailers that may be passed on."""
    return b"0\r\n%b\r\n" % trailer_lines(trailers) if trailers else wire.LAST_CHUNK


def _map_back(ex: Exchange, lines: list[bytes]) -> list[bytes]:
    """Undo the rewrite in what the answer says about paths and hosts."""
    rewrite = ex.plan.maps_back
    assert rewrite is not None
    origin = ex.client.origin(ex).url()
    mapped = []
    for line in lines:
        name, _, value = line.partition(b":")
        lower, value = name.lower(), value.strip(b" \t")
        if lower in (b"location", b"content-location"):
            value = rewrite.location(value, upstream_origins=ex.plan.origins, public_origin=origin)
        elif lower == b"set-cookie":
            value = rewrite.set_cookie(value, upstream_hosts=ex.plan.hosts)
        else:
            mapped.append(line)
            continue
        mapped.append(b"%b: %b" % (name, value))
    return mapped
