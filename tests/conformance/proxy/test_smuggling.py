"""No byte of a body, and nothing behind a refused request, is ever read as a request.

The tables say what is sent; each test ends with what the upstream has seen in all.
"""

from __future__ import annotations

import re

import pytest
from support.wire import answered_before, client_of, simple, value

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
HEAD = b"POST / HTTP/1.1\r\nHost: h\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

AMBIGUOUS = {
    "CL.TE": HEAD + b"Content-Length: 44\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "TE.CL": HEAD + CHUNKED + b"Content-Length: 4\r\n\r\n27\r\n",
    "CL.0": HEAD + b"Content-Length: 0\r\nContent-Length: 39\r\n\r\n",
    "0.CL": HEAD + b"Content-Length: 39\r\nContent-Length: 0\r\n\r\n",
    "TE.TE, a second line": HEAD + CHUNKED + b"Transfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "TE.TE, a first line": HEAD + b"Transfer-Encoding: x\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "TE.TE, a list": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "TE, empty": HEAD + b"Transfer-Encoding:\r\n\r\n",
    "TE, empty, with a length": HEAD + b"Transfer-Encoding:\r\nContent-Length: 4\r\n\r\nabcd",
    "TE, a space before the colon": HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "TE, a tab before the colon": HEAD + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "TE, folded": HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "TE, folded behind another": HEAD + b"X: y\r\n " + CHUNKED + b"\r\n0\r\n\r\n",
    "TE, quoted": HEAD + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "TE, a parameter": HEAD + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "TE, a bare LF before it": HEAD + b"X: y\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "TE, a bare CR before it": HEAD + b"X: y\r" + CHUNKED + b"\r\n0\r\n\r\n",
    "TE, a zero byte": HEAD + b"Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n",
    "CL, hexadecimal": HEAD + b"Content-Length: 0x4\r\n\r\nabcd",
    "CL, an underscore": HEAD + b"Content-Length: 1_0\r\n\r\nabcd",
    "CL, a space inside": HEAD + b"Content-Length: 1 0\r\n\r\nabcd",
    "CL, a comma": HEAD + b"Content-Length: 4,\r\n\r\nabcd",
    "CL, beyond 64 bits": HEAD + b"Content-Length: 18446744073709551620\r\n\r\nabcd",
    "CL, empty": HEAD + b"Content-Length:\r\n\r\nabcd",
    "CL, folded": HEAD + b"Content-Length: 4\r\n 0\r\n\r\nabcd",
    "a bare CR in the empty line": b"GET / HTTP/1.1\r\nHost: h\r\n\r",
    "white space before the first field": b"GET / HTTP/1.1\r\n Host: h\r\n\r\n",
    "a tab in the line": b"GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n",
    "a space behind the version": b"GET / HTTP/1.1 \r\nHost: h\r\n\r\n",
    "a control byte in a value": b"GET / HTTP/1.1\r\nHost: h\r\nX: a\x01b\r\n\r\n",
    "a control byte in the target": b"GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n",
    "obs-text in a name": b"GET / HTTP/1.1\r\nHost: h\r\nX\xe9: y\r\n\r\n",
}


def statuses(got: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", got)


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_an_ambiguous_request_is_the_last_one(client, upstream, name):
    await client.send(AMBIGUOUS[name] + SMUGGLED)
    got = await answered_before(client.read_all(), upstream.accept())
    assert statuses(got)[0] in (b"400", b"501")
    assert len(statuses(got)) == 1
    assert upstream.connections == 0


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_it_is_so_behind_a_good_one(client, upstream, name):
    await client.send(GET + AMBIGUOUS[name] + SMUGGLED)
    server = await upstream.accept()
    await server.read_head()
    await server.send(OK)
    got = await answered_before(client.read_all(), server.read_head())
    assert statuses(got)[0] == b"200"
    assert statuses(got)[1] in (b"400", b"501")
    assert len(statuses(got)) == 2
    assert upstream.connections == 1


@pytest.mark.xfail(raises=AssertionError, reason="a bare CR before a request line is passed over")
@pytest.mark.parametrize("bare", [b"\r", b"\r\r\n"])
async def test_no_bare_cr_may_stand_before_a_request_line(client, upstream, bare):
    """RFC 9112, 2.2: a bare CR is invalid wherever it stands."""
    await client.send(bare + GET + SMUGGLED)
    got = await answered_before(client.read_all(), upstream.accept())
    assert statuses(got) == [b"400"]


BODIES = {
    "a length": HEAD + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
    "chunks": HEAD + CHUNKED + b"\r\n%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n",
    "a GET with a length": b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"
    % len(SMUGGLED) + SMUGGLED,
    "a HEAD with a length": b"HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"
    % len(SMUGGLED) + SMUGGLED,
    "an underscored coding": HEAD + b"Transfer_Encoding: chunked\r\nContent-Length: %d\r\n\r\n"
    % len(SMUGGLED) + SMUGGLED,
    "a nominated length": HEAD + b"Connection: Content-Length\r\nContent-Length: %d\r\n\r\n"
    % len(SMUGGLED) + SMUGGLED,
    "a nominated coding": HEAD + b"Connection: Transfer-Encoding\r\n" + CHUNKED
    + b"\r\n%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n",
    "an upgrade in 1.0's style": b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: TLS/1.0\r\n"
    b"Connection: Upgrade\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
}  # fmt: skip


@pytest.mark.parametrize("buffering", ["off", "chunked", "all"])
@pytest.mark.parametrize("name", BODIES)
async def test_a_body_is_a_body(run, upstream, name, buffering):
    gateway = await run(simple(upstream, upstream_keys=f"request_buffering: {buffering}"))
    async with client_of(gateway) as client:
        await client.send(BODIES[name])
        server = await upstream.accept()
        head, body = await server.read_message()
        assert SMUGGLED in body
        assert bool(value(head, b"content-length")) != bool(value(head, b"transfer-encoding"))
        assert len(body) == len(SMUGGLED) or body.endswith(b"\r\n0\r\n\r\n")
        assert await server.silent()


REST = {
    "length": (b"Content-Length: %d\r\n\r\n" % len(SMUGGLED), SMUGGLED),
    "chunked": (CHUNKED + b"\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
    "no chunk": (CHUNKED + b"\r\n", SMUGGLED),
}


@pytest.mark.parametrize("name", REST)
async def test_the_rest_of_a_body_behind_an_early_answer(run, upstream, name):
    framing, rest = REST[name]
    gateway = await run(simple(upstream, upstream_keys="request_buffering: off"))
    async with client_of(gateway) as client:
        await client.send(HEAD + framing)
        server = await upstream.accept()
        await server.read_head()
        await server.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        assert (await client.read_message())[1] == b"no"
        await client.send(rest)
        assert await client.ended()
        assert b"smuggled" not in await server.read_all()
    assert upstream.connections == 1


@pytest.mark.parametrize("ask", [b"Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n",
                                 b"Upgrade: websocket\r\n",
                                 b"Upgrade: websocket\r\nConnection: close-ish\r\n"])  # fmt: skip
async def test_what_is_no_upgrade_is_a_request_like_any_other(client, upstream, ask):
    await client.send(b"GET /1 HTTP/1.1\r\nHost: h\r\n" + ask + b"\r\nGET /2 HTTP/1.1\r\n")
    server = await upstream.accept()
    assert b"pgrade" not in await server.read_head()
    await server.send(OK)
    await client.read_message()
    await client.send(b"Host: h\r\n\r\n")
    assert (await server.read_head()).startswith(b"GET /2 ")


# what an upstream may try


@pytest.mark.parametrize(
    "request_", [GET.replace(b"GET", b"HEAD"), GET], ids=["HEAD with a body", "304 with a body"]
)
async def test_a_body_where_none_may_be_is_not_the_next_answer(client, upstream, request_):
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    status = b"200 OK" if request_.startswith(b"HEAD") else b"304 Not Modified"
    await client.send(request_)
    first = await upstream.accept()
    await first.read_head()
    await first.send(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n" % (status, len(evil)) + evil)
    assert value(await client.read_head(), b"content-length") == [b"%d" % len(evil)]
    await client.send(GET)
    second = await upstream.accept()
    await second.read_head()
    await second.send(OK)
    assert (await client.read_message())[1] == b"ok"


@pytest.mark.parametrize(
    "line",
    [b"X: a\0b", b"X: a\rb", b"X: a\nSet-Cookie: evil=1", b"X : y", b"X: a\r\n b", b"X\xe9: y",
     b"X: a\x01b"],
)  # fmt: skip
async def test_an_invalid_line_of_an_answer_does_not_get_through(client, upstream, line):
    """RFC 9112, 5.1 and 5.2; RFC 9110, 5.5: rejected or repaired, never forwarded as it is."""
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    await server.send(b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 2\r\n\r\nok")
    head, _ = await client.read_message()
    assert line not in head
    assert b"evil" not in head
