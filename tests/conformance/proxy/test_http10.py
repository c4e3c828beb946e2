"""Clients and upstreams that speak HTTP/1.0 (RFC 9112, 9.3 and C.2.2)."""

from __future__ import annotations

import pytest
from support.wire import client_of, simple, value

OLD = b"GET / HTTP/1.0\r\nHost: h\r\n\r\n"
KEPT = b"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def answered(client, upstream, request: bytes, *pieces: bytes):
    await client.send(request)
    server = await upstream.accept()
    head, _ = await server.read_message()
    for piece in pieces:
        await server.send(piece)
    return server, head


async def test_the_upstream_is_asked_in_http_1_1(client, upstream):
    _, head = await answered(client, upstream, OLD)
    assert head.startswith(b"GET / HTTP/1.1\r\n")
    assert value(head, b"connection") == []


async def test_an_absolute_target_gives_the_host(client, upstream):
    _, head = await answered(client, upstream, b"GET http://shop/a HTTP/1.0\r\n\r\n")
    assert head.startswith(b"GET /a HTTP/1.1\r\n")
    assert value(head, b"host") == [b"shop"]


async def test_a_body_with_a_length(client, upstream):
    await client.send(b"POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
    server = await upstream.accept()
    head, body = await server.read_message()
    assert (value(head, b"content-length"), body) == ([b"3"], b"abc")


async def test_bytes_behind_a_request_without_keep_alive_are_nobodys(client, upstream):
    server, _ = await answered(client, upstream, OLD + b"GET /smuggled HTTP/1.0\r\n\r\n", OK)
    assert (await client.read_all()).count(b"HTTP/1.1 ") == 1
    assert await server.silent() or await server.ended()
    assert upstream.connections == 1


async def test_chunks_of_the_upstream_are_taken_off_as_they_come(client, upstream):
    server, _ = await answered(
        client, upstream, OLD, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    )
    head = await client.read_head()
    assert (value(head, b"transfer-encoding"), value(head, b"content-length")) == ([], [])
    assert await client.read(3) == b"abc"
    await server.send(b"2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n")
    assert await client.read_all() == b"de"
    assert not client.is_reset


async def test_a_body_up_to_the_end_of_the_connection_stays_one(client, upstream):
    server, _ = await answered(client, upstream, KEPT, b"HTTP/1.0 200 OK\r\n\r\nhello")
    head = await client.read_head()
    assert (value(head, b"transfer-encoding"), value(head, b"connection")) == ([], [b"close"])
    assert await client.read(5) == b"hello"
    server.close()
    assert await client.ended()
    assert not client.is_reset


async def test_head_of_a_chunked_answer_names_no_coding(client, upstream):
    _, _ = await answered(
        client,
        upstream,
        OLD.replace(b"GET", b"HEAD"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    )
    got = await client.read_all()
    assert b"ransfer-" not in got
    assert got.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "how"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "close"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "abort"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "close"),
    ],
)
async def test_an_answer_that_is_cut_never_looks_complete(client, upstream, sent, how):
    server, _ = await answered(client, upstream, OLD, sent)
    head = await client.read_head()
    assert await client.read(5) == b"hello"
    getattr(server, how)()
    assert await client.ended()
    assert client.is_reset or value(head, b"content-length") == [b"9"]


@pytest.mark.parametrize(
    "path",
    [
        b"/gone",
        pytest.param(
            b"/gone/..%2fgone",
            marks=pytest.mark.xfail(
                raises=AssertionError, reason="a refusal is not marked, and kept open"
            ),
        ),
    ],
    ids=["fixed answer", "refusal"],
)
async def test_a_kept_connection_says_so_in_our_own_answers_too(run, upstream, path):
    """RFC 9112, 9.3: without the answer's keep-alive, the connection will close after it."""
    routes = "- {name: gone, match: {path: /gone}, respond: {status: 410}}\n"
    gateway = await run(simple(upstream, routes=routes))
    async with client_of(gateway) as client:
        await client.send(KEPT.replace(b"/ ", path + b" "))
        head, _ = await client.read_message()
        assert value(head, b"connection") == [b"keep-alive"] or not await client.silent(1)


# upstreams


async def test_a_connection_of_http_1_0_is_not_used_again(client, upstream):
    server, _ = await answered(
        client,
        upstream,
        GET,
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    )
    head, body = await client.read_message()
    assert (head[:15], body) == (b"HTTP/1.1 200 OK", b"ok")
    assert value(head, b"connection") == []
    assert await server.ended()
    await answered(client, upstream, GET, OK)
    assert (await client.read_message())[1] == b"ok"


@pytest.mark.parametrize("start", [b"HTTP/1.0 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 ",
                                   b"HTTP/1.1 200 \xc3\xa9t\xe9"])  # fmt: skip
async def test_status_lines(client, upstream, start):
    await answered(client, upstream, GET, start + b"\r\nContent-Length: 2\r\n\r\nok")
    head, body = await client.read_message()
    assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1" + start[8:], b"ok")


async def test_a_reset_is_not_the_end_of_a_body_without_a_length(client, upstream):
    """RFC 9112, 8: an incomplete answer must not look complete."""
    server, _ = await answered(client, upstream, GET, b"HTTP/1.0 200 OK\r\n\r\nhello")
    await client.read_head()
    assert await client.read(10) == b"5\r\nhello\r\n"
    server.abort()
    assert await client.read_all() == b""
