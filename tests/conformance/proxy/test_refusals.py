"""What is refused, and that not a byte of it reaches an upstream (RFC 9112, 3, 5-7, 11.2)."""

from __future__ import annotations

import re

import pytest
from support.wire import client_of, simple

HEAD = b"POST / HTTP/1.1\r\nHost: h\r\n"
LARGE = b"X: %b\r\n" % (b"a" * 5000) * 8
REFUSED = {
    "two lengths": (400, HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
    "the same length twice": (400, HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    "a list of lengths": (400, HEAD + b"Content-Length: 3, 3\r\n\r\nabc"),
    "a signed length": (400, HEAD + b"Content-Length: +3\r\n\r\nabc"),
    "a negative length": (400, HEAD + b"Content-Length: -3\r\n\r\nabc"),
    "length and chunks": (
        400, HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunks and length": (
        400, HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
    "chunks in 1.0": (
        400, b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "an unknown coding": (400, HEAD + b"Transfer-Encoding: gzip\r\n\r\nabc"),
    "a coding that sounds alike": (400, HEAD + b"Transfer-Encoding: xchunked\r\n\r\nabc"),
    "a coding with a tab": (400, HEAD + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n"),
    "a second coding": (400, HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "chunked twice": (400, HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    "chunked in two lines": (
        400,
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    "a folded line": (400, b"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"),
    "bare line feeds": (400, b"GET / HTTP/1.1\nHost: h\n\n"),
    "one bare line feed": (400, b"GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"),
    "a bare carriage return": (400, b"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n"),
    "a space before the colon": (400, b"GET / HTTP/1.1\r\nHost : h\r\n\r\n"),
    "no field name": (400, b"GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n"),
    "a zero byte": (400, b"GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"),
    "no host": (400, b"GET / HTTP/1.1\r\nX: y\r\n\r\n"),
    "two hosts": (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    "two hosts in 1.0": (400, b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    "a host with a path": (400, b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    "a host with a user": (400, b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    "an empty host": (400, b"GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    "a target with a user": (400, b"GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n"),
    "another scheme": (400, b"GET ftp://b/ HTTP/1.1\r\nHost: b\r\n\r\n"),
    "version 2.0": (505, b"GET / HTTP/2.0\r\nHost: h\r\n\r\n"),
    "version 1.2": (505, b"GET / HTTP/1.2\r\nHost: h\r\n\r\n"),
    "version 0.9": (400, b"GET /\r\n\r\n"),
    "the preface of HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a TLS hello": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "raw bytes in the target": (400, b"GET /a\xff HTTP/1.1\r\nHost: h\r\n\r\n"),
    "a fragment": (400, b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"),
    "two spaces": (400, b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
    "a relative target": (400, b"GET a HTTP/1.1\r\nHost: h\r\n\r\n"),
    "a star for GET": (400, b"GET * HTTP/1.1\r\nHost: h\r\n\r\n"),
    "CONNECT": (501, b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"),
    "an unknown method": (501, b"BREW / HTTP/1.1\r\nHost: h\r\n\r\n"),
    "an unknown expectation": (417, HEAD + b"Expect: wonders\r\nContent-Length: 0\r\n\r\n"),
    "a long line": (414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: h\r\n\r\n"),
    "a line without end": (414, b"GET /" + b"a" * 9000),
    "large fields": (431, b"GET / HTTP/1.1\r\nHost: h\r\n" + LARGE + b"\r\n"),
    "many fields": (431, b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: a\r\n" * 101 + b"\r\n"),
    "fields without end": (431, b"GET / HTTP/1.1\r\nHost: h\r\n" + LARGE),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_at_once(client, upstream, gateway, name):
    status, request = REFUSED[name]
    await client.send(request)
    got = await client.read_all()
    assert got.startswith(b"HTTP/1.1 %d " % status), got
    assert b"\r\nConnection: close\r\n" in got
    assert len(re.findall(rb"HTTP/1\.1 [0-9]{3} ", got)) == 1
    assert upstream.connections == 0


CHUNKS = {
    "no size": b"\r\nabc\r\n0\r\n\r\n",
    "no hex": b"x\r\nabc\r\n0\r\n\r\n",
    "a prefix": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a sign": b"+3\r\nabc\r\n0\r\n\r\n",
    "too large": b"fffffffffffffffff\r\nabc",
    "too long": b"3\r\nabcd\r\n0\r\n\r\n",
    "too short": b"5\r\nabc\r\n0\r\n\r\n",
    "a bare line feed behind the size": b"3\nabc\r\n0\r\n\r\n",
    "a bare line feed behind the data": b"3\r\nabc\n0\r\n\r\n",
    "a space before the size": b" 3\r\nabc\r\n0\r\n\r\n",
    "a bad trailer": b"3\r\nabc\r\n0\r\nno colon\r\n\r\n",
    "a folded trailer": b"3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n",
    "a zero byte in an extension": b"3;\0\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("buffering", ["off", "chunked"])
@pytest.mark.parametrize("name", CHUNKS)
async def test_bad_chunks_never_make_a_request(run, upstream, name, buffering):
    gateway = await run(simple(upstream, upstream_keys=f"request_buffering: {buffering}"))
    async with client_of(gateway) as client:
        await client.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS[name])
        got = await client.read_all()
        assert got.startswith(b"HTTP/1.1 400 "), got
        assert len(re.findall(rb"HTTP/1\.1 [0-9]{3} ", got)) == 1
    await gateway.stop()
    for server in upstream.wires:  # streamed: what began is cut, not completed
        assert not (await server.read_all()).endswith(b"0\r\n\r\n")


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n"
        + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
        HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
        + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
        b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
        HEAD + b"Upgrade: h2c\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n",
    ],
)  # fmt: skip
async def test_a_body_behind_upgrade_is_a_body(client, upstream, request_):
    await client.send(request_)
    server = await upstream.accept()
    head, body = await server.read_message()
    assert body == SMUGGLED
    assert b"pgrade" not in head
    assert b"ettings" not in head
    assert await server.silent()


async def test_an_upgrade_to_http_2_is_not_taken_up(client, upstream):
    await client.send(b"GET /1 HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
    server = await upstream.accept()
    assert b"pgrade" not in await server.read_head()
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
    assert (await client.read_message())[1] == b"1"
    await client.send(b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await server.read_head()).startswith(b"GET /2 ")


async def test_a_body_over_the_limit_is_refused_by_its_length(run, upstream):
    gateway = await run(simple(upstream, gateway="limits: {body: 1KiB}"))
    async with client_of(gateway) as client:
        await client.send(HEAD + b"Content-Length: 1025\r\n\r\n")
        assert (await client.read_all()).startswith(b"HTTP/1.1 413 ")
    assert upstream.connections == 0


@pytest.mark.parametrize("buffering", ["off", "chunked"])
async def test_a_chunked_body_over_the_limit_is_refused_when_it_passes_it(run, upstream, buffering):
    gateway = await run(
        simple(
            upstream,
            gateway="limits: {body: 1KiB}",
            upstream_keys=f"request_buffering: {buffering}",
        )
    )
    async with client_of(gateway) as client:
        await client.send(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n400\r\n" + b"a" * 1024 + b"\r\n"
        )
        assert await client.silent()
        await client.send(b"1\r\na\r\n0\r\n\r\n")
        assert (await client.read_all()).startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_still_sends_gets_to_read_its_refusal(run, upstream):
    gateway = await run(simple(upstream, gateway="limits: {body: 1KiB}"))
    async with client_of(gateway) as client:
        await client.send(HEAD + b"Content-Length: 5000000\r\n\r\n" + b"a" * 200_000)
        got, _ = await client.read_message()
        assert got.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "path", [b"/api%2Freviews", b"/x/../api/reviews", b"//api/reviews", b"/api/reviews%00"]
)
async def test_a_path_with_two_meanings_is_refused(run, upstream, path):
    gateway = await run(
        simple(
            upstream,
            routes="""
            - name: reviews
              match: {prefix: /api/reviews}
              respond: {status: 410}
            """,
        )
    )
    async with client_of(gateway) as client:
        await client.send(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        head, body = await client.read_message()
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"ambiguous_path" in body


async def test_empty_lines_before_a_request_are_forgiven(client, upstream):
    await client.send(b"\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await (await upstream.accept()).read_head()).startswith(b"GET / ")


async def test_one_connection_too_many_is_told_so(run, upstream):
    gateway = await run(simple(upstream, gateway="limits: {connections: 1}"))
    async with client_of(gateway) as first, client_of(gateway) as second:
        assert (await second.read_all()).startswith(b"HTTP/1.1 503 ")
        await first.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await upstream.accept()
