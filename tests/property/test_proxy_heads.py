"""Heads: what we accept, llhttp accepts and reads alike, whatever was learnt from heads before."""

from __future__ import annotations

import httptools
from hypothesis import example, given, settings
from hypothesis import strategies as st

from strangler.config.model import Limits
from strangler.proxy import request, response
from strangler.proxy.counters import Refusal
from strangler.proxy.exchange import Exchange

LIMITS = Limits()

token = st.text("!#$%&'*+.^_`|~-09AZaz", min_size=1, max_size=6).map(str.encode)
value = st.one_of(
    st.lists(st.sampled_from(b'az09 \t,;="\x80\xff\xc3\xa9()<>@:/?{}'), max_size=12).map(bytes),
    st.binary(max_size=8),
)
usual_lines = st.sampled_from(
    [
        b"Host: shop", b"Host: shop:80", b"host:shop", b"Host: a b", b"Host:", b"Accept: */*",
        b"Content-Length: 0", b"Content-Length: 5", b"content-length:5", b"Content-Length: 5 ",
        b"Content-Length: +5", b"Content-Length: 5, 5", b"Content-Length:", b"Content-Length: 5\t",
        b"Content-Length: 99999999999999999999", b"Content-Length : 5", b"Content-Length: \x0b5",
        b"Content-Length: 5\x00", b"Content-Length: 0x5", b"Content-Length: 1_0",
        b"Transfer-Encoding: chunked", b"Transfer-Encoding:chunked ", b"Transfer-Encoding: x",
        b"Transfer-Encoding: Chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding:",
        b"Transfer-Encoding: chunked, x", b"Transfer-Encoding: \x0bchunked",
        b"Connection: close", b"Connection: keep-alive", b"Connection: Upgrade",
        b"Upgrade: websocket", b"Upgrade: h2c", b"Upgrade:", b"Expect: 100-continue",
        b" folded", b"\tfolded", b"", b":", b": x", b"X", b"X Y: z", b"X: a\rb", b"X: a\nb",
        b"X: a\x00b", b"Cookie: a=b", b"Via: 1.1 x", b"TE: trailers", b"X-Request-ID: 1",
    ]
)  # fmt: skip
lines = st.lists(
    st.one_of(
        usual_lines,
        usual_lines,
        st.builds(lambda n, v: n + b": " + v, token, value),
        st.binary(max_size=12),
    ),
    max_size=5,
)
starts = st.one_of(
    st.sampled_from([b"GET / HTTP/1.1", b"POST /a?b HTTP/1.1"]),
    st.sampled_from(
        [
            b"GET / HTTP/1.0", b"GET / HTTP/1.2", b"GET / HTTP/2.0", b"GET / HTTP/0.9", b"GET /",
            b"GET http://h/x HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT h:1 HTTP/1.1",
            b"GET  / HTTP/1.1", b"GET / HTTP/1.1 ", b" GET / HTTP/1.1", b"get / HTTP/1.1",
            b"FOO / HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET /#a HTTP/1.1", b"GET /a b HTTP/1.1",
            b"PRI * HTTP/2.0", b"SOURCE / ICE/1.0", b"OPTIONS rtsp://h/ RTSP/1.0", b"",
        ]
    ),
    st.binary(max_size=20),
)  # fmt: skip
statuses = st.one_of(
    st.just(b"HTTP/1.1 200 OK"),
    st.sampled_from(
        [
            b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.0 200 OK", b"HTTP/1.1 2000 OK",
            b"HTTP/1.1 20 OK", b"HTTP/2.0 200 OK", b"HTTP/0.9 200 OK", b"HTTP/1.1  200 OK",
            b"HTTP/1.1 099 X", b"HTTP/1.1 101 X", b"HTTP/1.1 204 X", b"HTTP/1.1 200 \xff\xfe",
            b"HTTP/1.1 200 a\x00b", b"HTTP/1.1 200 a\rb", b"HTTP/1.1 +20 OK", b"http/1.1 200 OK",
            b"ICY 200 OK", b"",
        ]
    ),
    st.binary(max_size=20),
)  # fmt: skip


def whole(start: bytes, fields: list[bytes]) -> bytes:
    """A head as the connections hand it over: nothing behind its first empty line."""
    head = b"\r\n".join((start, *fields, b"", b""))
    return head[: head.index(b"\r\n\r\n") + 4]


class Reading:
    """What llhttp makes of a head."""

    def __init__(self, parser: type, head: bytes) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.url = b""
        self.begun = self.heads = 0
        self.valid = True
        self.parser = parser(self)
        try:
            self.parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError:
            self.valid = False

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.heads += 1


def pairs(head: list[bytes]) -> list[tuple[bytes, bytes]]:
    return [(name, value.strip(b" \t")) for name, _, value in (x.partition(b":") for x in head)]


def read_twice(head: bytes) -> tuple[Exchange, Refusal | None]:
    """The second reading knows every line it may know."""
    first = Exchange(None)  # type: ignore[arg-type]
    refusal = request.read(first, head, LIMITS)
    again = Exchange(None)  # type: ignore[arg-type]
    assert request.read(again, head, LIMITS) is refusal
    return again, refusal


@settings(max_examples=600)
@given(starts, lines)
@example(b"GET / HTTP/1.1", [b"Host: shop", b"Content-Length: 5", b"Transfer-Encoding: chunked"])
@example(b"GET / HTTP/1.1", [b"Host: shop", b"Content-Length: 5", b"Content-Length: 5"])
@example(b"GET / HTTP/1.1", [b"Host: shop", b" folded"])
def test_a_request_that_is_accepted_means_the_same_to_llhttp(start, fields):
    for line in fields:  # lines get known one by one, as by other clients' requests
        read_twice(whole(b"GET / HTTP/1.1", [line]))
    head = whole(start, fields)
    ex, refusal = read_twice(head)
    theirs = Reading(httptools.HttpRequestParser, head)
    if not theirs.valid:
        assert refusal is not None
    if refusal is not None:
        return
    assert (theirs.begun, theirs.heads) == (1, 1)
    assert ex.method == theirs.parser.get_method()
    assert pairs(ex.head) == theirs.fields
    if ex.target == b"*" or theirs.url.startswith(b"/"):
        assert ex.target == theirs.url
    assert ex.path + (b"?" + ex.query if ex.has_query else b"") == ex.target
    assert theirs.parser.get_http_version() == ("1.0" if ex.http10 else "1.1")


@settings(max_examples=600)
@given(statuses, lines)
@example(b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
@example(b"HTTP/1.1 200 OK", [b"Transfer-Encoding: chunked", b"Content-Length: 5"])
@example(b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"Content-Length: 6"])
def test_an_answer_that_is_accepted_means_the_same_to_llhttp(start, fields):
    for line in fields:
        response.read(whole(b"HTTP/1.1 200 OK", [line]))
    head = whole(start, fields)
    response.read(head)
    answer = response.read(head)
    theirs = Reading(httptools.HttpResponseParser, head)
    if not theirs.valid:
        assert answer is None
    if answer is None:
        return
    assert (theirs.begun, theirs.heads) == (1, 1)
    assert answer.code == theirs.parser.get_status_code()
    kept = pairs(answer.lines)
    assert kept == [pair for pair in theirs.fields if pair in kept]


@given(st.lists(st.tuples(token, value), max_size=8))
def test_fields_keep_their_bytes_order_and_repetition(fields):
    sent = [n + b": " + v for n, v in fields]
    ex = Exchange(None)  # type: ignore[arg-type]
    head = whole(b"GET / HTTP/1.1", [b"Host: h", *sent])
    if request.read(ex, head, LIMITS) is None:
        plain = [x for x in ex.head if b"_" not in x.partition(b":")[0]]
        copied = [x for x in plain if x in ex.lines]
        assert ex.lines == copied
