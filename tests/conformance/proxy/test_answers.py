"""What of an answer reaches the client (RFC 9110, 9112)."""

from __future__ import annotations

import asyncio

import pytest
from support.wire import client_of, fields, simple, value

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


async def answer(client, upstream, raw: bytes, request: bytes = GET):
    await client.send(request)
    server = await upstream.accept()
    await server.read_head()
    await server.send(raw)
    return server


async def test_field_bytes_order_and_repetition_are_kept(client, upstream):
    lines = [b"Set-Cookie: a=1", b"x-lower: \xff", b"Set-Cookie: b=2; Path=/", b"Set-Cookie: c=3"]
    await answer(
        client,
        upstream,
        b"HTTP/1.1 299 Fine By Me\r\n" + b"\r\n".join(lines) + b"\r\nContent-Length: 0\r\n\r\n",
    )
    head = await client.read_head()
    assert head.startswith(b"HTTP/1.1 299 Fine By Me\r\n")
    assert [line for line in head.split(b"\r\n") if line in lines] == lines


async def test_hop_by_hop_fields_stay_behind(client, upstream):
    await answer(
        client,
        upstream,
        b"HTTP/1.1 200 OK\r\nConnection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=9\r\n"
        b"Upgrade: h2c\r\nX-Kept: 2\r\nContent-Length: 0\r\n\r\n",
    )
    names = {n.lower() for n, _ in fields(await client.read_head())}
    assert not names & {b"x-mine", b"keep-alive", b"upgrade", b"connection"}
    assert b"x-kept" in names


async def test_chunks_stay_chunks_with_permitted_trailers(client, upstream):
    await answer(
        client,
        upstream,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
        b"3;a=b\r\nabc\r\n0\r\nX-Sum: 9\r\nContent-Length: 3\r\nSet-Cookie: a=b\r\n\r\n",
    )
    head, body = await client.read_message()
    assert value(head, b"transfer-encoding") == [b"chunked"]
    assert body == b"3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n"


@pytest.mark.parametrize("code", [b"204 No Content", b"304 Not Modified"])
async def test_answers_that_have_no_body(client, upstream, code):
    server = await answer(
        client, upstream, b"HTTP/1.1 " + code + b"\r\nETag: x\r\nContent-Length: 5\r\n\r\n"
    )
    head = await client.read_head()
    assert value(head, b"etag") == [b"x"]
    await client.send(GET)
    await server.read_head()  # the same connection serves the next request
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    assert (await client.read_message())[1] == b"x"


async def test_head_has_no_body_but_its_length(client, upstream):
    server = await answer(
        client,
        upstream,
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
    )
    assert value(await client.read_head(), b"content-length") == [b"500"]
    await client.send(GET)
    await server.read_head()
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny")
    assert (await client.read_message())[1] == b"y"


async def test_head_of_a_chunked_answer(client, upstream):
    server = await answer(
        client,
        upstream,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
    )
    assert value(await client.read_head(), b"transfer-encoding") == [b"chunked"]
    await client.send(GET)
    await server.read_head()


@pytest.mark.parametrize("code", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
async def test_interim_answers_are_passed_on_at_once(client, upstream, code):
    server = await answer(client, upstream, b"HTTP/1.1 " + code + b"\r\nLink: </a>\r\n\r\n")
    head = await client.read_head()
    assert head.startswith(b"HTTP/1.1 " + code)
    assert value(head, b"link") == [b"</a>"]
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert (await client.read_message())[1] == b"ok"


async def test_interim_answers_are_not_for_http_1_0(client, upstream):
    await answer(
        client,
        upstream,
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"GET / HTTP/1.0\r\nHost: h\r\n\r\n",
    )
    assert (await client.read_all()).startswith(b"HTTP/1.1 200 OK")


async def test_a_chunked_answer_to_http_1_0_ends_with_the_connection(client, upstream):
    await answer(
        client,
        upstream,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
    )
    head, _, body = (await client.read_all()).partition(b"\r\n\r\n")
    assert b"ransfer-" not in head
    assert body == b"abc"


async def test_http_1_0_keeps_alive_when_asked(client, upstream):
    request = b"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"
    server = await answer(
        client, upstream, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", request
    )
    head, _ = await client.read_message()
    assert value(head, b"connection") == [b"keep-alive"]
    await client.send(request)
    await server.read_head()


async def test_http_1_0_closes_otherwise(client, upstream):
    await answer(
        client,
        upstream,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"GET / HTTP/1.0\r\nHost: h\r\n\r\n",
    )
    assert (await client.read_all()).endswith(b"ok")


async def test_a_body_that_ends_with_the_connection_becomes_chunks(client, upstream):
    server = await answer(client, upstream, b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nhello")
    head = await client.read_head()
    assert value(head, b"transfer-encoding") == [b"chunked"]
    assert await client.read(10) == b"5\r\nhello\r\n"
    server.close()
    assert await client.read(5) == b"0\r\n\r\n"
    await client.send(GET)
    await upstream.accept()  # and the client's connection goes on


async def test_connection_close_of_the_upstream_is_between_it_and_us(client, upstream):
    await answer(
        client,
        upstream,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    )
    head, _ = await client.read_message()
    assert not value(head, b"connection")
    await client.send(GET)
    await upstream.accept()


async def test_connection_close_of_the_client_is_honoured(client, upstream):
    await answer(
        client,
        upstream,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    )
    got = await client.read_all()
    assert b"\r\nConnection: close\r\n" in got
    assert got.endswith(b"ok")
    assert upstream.connections == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
    ],
)
async def test_an_upstream_that_dies_mid_body_is_seen_by_the_client(client, upstream, raw):
    server = await answer(client, upstream, raw)
    await client.read_head()
    server.close()
    got = await client.read_all()
    assert not got.endswith(b"0\r\n\r\n")
    assert len(got) < 10 + 6


async def test_an_upstream_that_is_reset_mid_body_is_seen_by_http_1_0(client, upstream):
    server = await answer(
        client,
        upstream,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"GET / HTTP/1.0\r\nHost: h\r\n\r\n",
    )
    await client.read_head()
    server.abort()
    await client.read_all()
    assert client.is_reset


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 O",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000,
    ],
)
async def test_no_answer_or_a_bad_one_is_a_502(client, upstream, raw):
    server = await answer(client, upstream, raw)
    server.close()
    head, body = await client.read_message()
    assert head.startswith(b"HTTP/1.1 502 ")
    assert b"upstream_" in body
    await client.send(GET)
    await upstream.accept()  # the client's connection is fine, the upstream's is not used again


async def test_bytes_behind_an_answer_are_nobodys(client, upstream):
    await answer(
        client,
        upstream,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    )
    assert (await client.read_message())[1] == b"ok"
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
    assert (await client.read_message())[1] == b"good"


async def test_an_answer_nobody_asked_for_ends_the_connection(client, upstream):
    server = await answer(client, upstream, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    await client.read_message()
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    assert await server.ended()


async def test_pipelined_requests_are_answered_in_order(client, upstream):
    await client.send(
        b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
        b"POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
        b"POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\n\r\n"
        b"GET /4 HTTP/1.1\r\nHost: h\r\n\r\n"
    )
    server = await upstream.accept()
    for number, body in ((b"1", b""), (b"2", b"abc"), (b"3", b"xy"), (b"4", b"")):
        head, got = await server.read_message()
        assert head.split(b" ")[1] == b"/" + number
        assert got == body
        await asyncio.sleep(0.01)
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + number)
    for number in (b"1", b"2", b"3", b"4"):
        assert (await client.read_message())[1] == number
    assert upstream.connections == 1


async def test_a_refused_request_waits_for_its_turn(client, upstream):
    await client.send(
        b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
    )
    server = await upstream.accept()
    await server.read_head()
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
    assert (await client.read_message())[1] == b"1"
    head, _ = await client.read_message()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert await client.ended()


async def test_a_half_closed_client_gets_its_whole_answer(client, upstream):
    await client.send(GET)
    client.half_close()
    server = await upstream.accept()
    await server.read_head()
    await asyncio.sleep(0.05)
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhe")
    await asyncio.sleep(0.05)
    await server.send(b"re")
    assert (await client.read_all()).endswith(b"here")


@pytest.mark.parametrize("begun", [False, True])
async def test_a_client_that_aborts_takes_its_request_with_it(client, upstream, begun):
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    if begun:
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhe")
        await client.read_head()
    client.abort()
    assert await server.ended()


async def test_a_client_that_aborts_its_upload_takes_it_along(client, upstream):
    await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello")
    server = await upstream.accept()
    await server.read_head()
    assert await server.read(5) == b"hello"
    client.close()
    assert await server.ended()


async def test_expect_continue_is_the_upstreams_to_answer(client, upstream):
    await client.send(
        b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    )
    server = await upstream.accept()
    assert value(await server.read_head(), b"expect") == [b"100-continue"]
    await server.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert (await client.read_head()).startswith(b"HTTP/1.1 100 ")
    await client.send(b"hello")
    assert await server.read(5) == b"hello"
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert (await client.read_message())[1] == b"ok"


async def test_an_early_answer_ends_the_connection_after_it(client, upstream):
    await client.send(
        b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    )
    server = await upstream.accept()
    await server.read_head()
    await server.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    head, body = await client.read_message()
    assert (head[:12], body) == (b"HTTP/1.1 403", b"no")
    assert value(head, b"connection") == [b"close"]
    assert await client.ended()
    assert await server.ended()


async def test_we_invite_a_body_that_we_collect(run, upstream):
    gateway = await run(simple(upstream, upstream_keys="request_buffering: all"))
    async with client_of(gateway) as client:
        await client.send(
            b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
        assert (await client.read_head()).startswith(b"HTTP/1.1 100 ")
        assert upstream.connections == 0
        await client.send(b"hello")
        server = await upstream.accept()
        head, body = await server.read_message()
        assert (value(head, b"expect"), body) == ([], b"hello")


async def test_events_are_not_held_back(client, upstream):
    server = await answer(
        client,
        upstream,
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    )
    await client.read_head()
    for number in range(3):
        event = b"data: %d\n\n" % number
        await server.send(b"%x\r\n%b\r\n" % (len(event), event))
        assert await client.read(len(event) + 5) == b"9\r\n" + event + b"\r\n"
