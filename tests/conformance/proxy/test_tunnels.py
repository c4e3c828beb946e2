"""Upgraded connections (RFC 9110, 7.8; RFC 6455, 4)."""

from __future__ import annotations

import asyncio

import pytest
from support.wire import client_of, simple, value

from strangler.proxy.counters import TUNNELS

ASK = (
    b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


async def opened(client, upstream, ask: bytes = ASK, switch: bytes = SWITCH):
    await client.send(ask)
    server = await upstream.accept()
    head = await server.read_head()
    assert value(head, b"upgrade") == [b"websocket"]
    assert value(head, b"connection") == [b"Upgrade"]
    assert value(head, b"sec-websocket-key") == [b"dGhlIHNhbXBsZSBub25jZQ=="]
    await server.send(switch)
    head = await client.read_head()
    assert head.startswith(b"HTTP/1.1 101 ")
    assert value(head, b"upgrade") == [b"websocket"]
    assert value(head, b"connection") == [b"Upgrade"]
    return server


async def test_bytes_go_both_ways_as_they_are(gateway, client, upstream):
    server = await opened(client, upstream)
    assert gateway.cells[TUNNELS] == 1
    for data in (b"\x00GET / HTTP/1.1\r\n\r\n", b"\xff" * 100_000):
        await client.send(data)
        assert await server.read(len(data)) == data
        await server.send(data)
        assert await client.read(len(data)) == data


async def test_bytes_right_behind_either_head_belong_to_the_tunnel(client, upstream):
    server = await opened(client, upstream, ASK + b"early", SWITCH + b"hello")
    assert await client.read(5) == b"hello"
    assert await server.read(5) == b"early"


async def test_a_refused_upgrade_is_an_answer_like_any_other(client, upstream):
    await client.send(ASK)
    server = await upstream.accept()
    await server.read_head()
    await server.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    assert (await client.read_message())[1] == b"no"
    await client.send(b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await server.read_head()).startswith(b"GET /2 ")


async def test_early_bytes_behind_a_refused_upgrade_are_no_request(client, upstream):
    await client.send(ASK + b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
    server = await upstream.accept()
    await server.read_head()
    await server.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    got = await client.read_all()
    assert got.endswith(b"no")
    assert await server.silent() or await server.ended()


async def test_a_half_close_goes_through(client, upstream):
    server = await opened(client, upstream)
    await client.send(b"bye")
    client.half_close()
    assert await server.read_all() == b"bye"
    await server.send(b"last words")
    assert await client.read(10) == b"last words"
    server.half_close()
    assert await client.ended()


@pytest.mark.parametrize("side", ["client", "upstream"])
async def test_an_abort_goes_through(gateway, client, upstream, side):
    server = await opened(client, upstream)
    (client if side == "client" else server).abort()
    assert await (server if side == "client" else client).ended()
    await asyncio.sleep(0.05)
    assert gateway.cells[TUNNELS] == 0


async def test_a_silent_tunnel_is_closed(run, upstream):
    gateway = await run(simple(upstream, upstream_keys="timeouts: {idle: 200ms}"))
    async with client_of(gateway) as client:
        server = await opened(client, upstream)
        assert await client.ended()
        assert await server.ended()


async def test_a_slow_reader_slows_the_other_side(client, upstream):
    server = await opened(client, upstream)
    client.reader._limit = 1024  # the stream stops reading at twice this
    sent = 0
    async with asyncio.timeout(5):
        while sent < 64 << 20:
            server.writer.write(b"x" * 65536)
            sent += 65536
            try:
                async with asyncio.timeout(0.3):
                    await server.writer.drain()
            except TimeoutError:
                break
    assert sent < 32 << 20
