"""Clients and endpoints that do what is allowed, but in the worst way."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from support.wire import client_of, fenced, simple, split

from strangler.proxy.counters import BUFFERED_BYTES, CONNECTIONS, UPSTREAM_CONNECTIONS

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GONE = "- name: gone\n  match: {prefix: /gone}\n  respond: {status: 410}\n"
BLOCK = b"x" * 65536


@pytest.fixture
def faults() -> list:
    """What the loop was told about exceptions nobody caught; empty at the end of each test."""
    seen: list[dict] = []
    asyncio.get_event_loop().set_exception_handler(lambda _loop, context: seen.append(context))
    return seen


@pytest.mark.parametrize("path", [b"/gone", b"/gone/..%2Fx"])
async def test_hundreds_of_requests_that_are_answered_at_once(run, upstream, path, faults):
    gateway = await run(simple(upstream, routes=GONE))
    async with client_of(gateway) as client:
        await client.send(GET + GET.replace(b"/ ", path + b" ") * 1000)
        server = await upstream.accept()
        await server.read_head()
        await server.send(OK)
        await client.read_message()
        for _ in range(1000):
            await client.read_message()
        await client.send(GET)
        await server.read_head()
    assert faults == []


async def test_requests_behind_one_that_waits_are_not_read_without_end(gateway, client, upstream):
    await client.send(GET * 5000)
    server = await upstream.accept()
    await server.read_head()
    (connection,) = gateway.plane.clients
    assert len(connection._waiting) <= 64
    for number in range(5000):
        await server.send(OK)
        await client.read_message()
        if number < 4999:
            await server.read_head()


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("buffering", ["all", "off"])
async def test_a_body_that_is_cut_behind_another_request(run, upstream, framing, buffering):
    gateway = await run(simple(upstream, upstream_keys=f"request_buffering: {buffering}"))
    body = (
        b"Content-Length: 4\r\n\r\nab"
        if framing == "length"
        else (b"Transfer-Encoding: chunked\r\n\r\n4\r\nab")
    )
    async with client_of(gateway) as client:
        await client.send(GET + b"POST / HTTP/1.1\r\nHost: h\r\n" + body)
        server = await upstream.accept()
        await server.read_head()
        await server.send(OK)
        await client.read_message()
        await client.send(b"cd" if framing == "length" else b"cd\r\n0\r\n\r\n")
        _, body = await server.read_message()
        assert b"abcd" in body or body.startswith(b"2\r\nab\r\n2\r\ncd\r\n")
        await server.send(OK)
        await client.read_message()


async def test_a_held_upload_that_is_collected_when_it_is_let_go(run, upstream, another):
    new = await another()
    table = split(upstream, new, 100).replace("request_buffering: off", "request_buffering: all")
    gateway = await run(table)
    gateway.install(fenced(table.replace("version: 1", "version: 2")))
    body = b"x" * 600_000
    async with client_of(gateway) as client:
        head = b"POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body)
        sending = asyncio.ensure_future(client.send(head + body))
        await asyncio.sleep(0.1)
        gateway.install(table.replace("version: 1", "version: 3"))
        server = await new.accept()
        assert (await server.read_message())[1] == body
        await sending
        await server.send(OK)
        await client.read_message()
    assert gateway.cells[BUFFERED_BYTES] == 0


async def test_a_held_write_behind_a_read_still_notices_that_its_client_left(
    run, upstream, another
):
    new = await another()
    gateway = await run(split(upstream, new, 0))
    gateway.install(fenced(split(upstream, new, 0, version=2)))
    async with client_of(gateway) as client:
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: h\r\n\r\n")
        server = await upstream.accept()
        await server.read_head()
        await client.send(b"POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab")
        await asyncio.sleep(0.05)
        await server.send(OK)
        await client.read_message()
        client.abort()
        await asyncio.sleep(0.05)
        assert gateway.cells[CONNECTIONS] == 0


async def push(wire, size: int) -> int:
    sent = 0
    while sent < size:
        wire.writer.write(BLOCK)
        sent += len(BLOCK)
        try:
            async with asyncio.timeout(0.4):
                await wire.writer.drain()
        except TimeoutError:
            break
    return sent


async def test_a_second_answer_to_a_client_that_reads_nothing(client, upstream):
    client.reader._limit = 1024
    await client.send(GET)
    first = await upstream.accept()
    await first.read_head()
    size = 12_000_000  # more than the kernel keeps for a client, so that some waits at ours
    await client.send(GET)
    await first.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    sent = 0
    while sent < size:
        part = min(size - sent, 65536)
        first.writer.write(b"x" * part)
        sent += part
    await asyncio.sleep(0.3)
    reading = asyncio.ensure_future(client.read_message())
    await reading
    await first.read_head()
    await first.send(OK)
    await client.read_message()


@pytest.mark.parametrize("close", [b"", b"Connection: close\r\n"])
async def test_a_client_that_never_takes_its_answer_is_cut(run, upstream, close):
    gateway = await run(simple(upstream, gateway="timeouts: {send: 300ms, keep_alive: 300ms}"))
    async with client_of(gateway) as client:
        client.reader._limit = 1024
        client.writer.transport.pause_reading()
        await client.send(GET.replace(b"\r\n\r\n", b"\r\n" + close + b"\r\n"))
        server = await upstream.accept()
        await server.read_head()
        (connection,) = gateway.plane.clients
        transport = connection.transport
        while not transport.get_write_buffer_size():  # what came before fills the kernel's buffers
            transport.write(BLOCK)
            await asyncio.sleep(0)
        await server.send(OK)
        async with asyncio.timeout(5):
            while gateway.cells[CONNECTIONS]:
                await asyncio.sleep(0.05)


async def test_a_pooled_connection_is_read_whatever_its_last_client_did(gateway, upstream):
    async with client_of(gateway) as slow, client_of(gateway) as other:
        slow.reader._limit = 1024
        slow.writer.transport.pause_reading()
        (mine,) = [
            c
            for c in gateway.plane.clients
            if c.transport.get_extra_info("peername")[1]
            == slow.writer.get_extra_info("sockname")[1]
        ]
        await slow.send(GET)
        server = await upstream.accept()
        await server.read_head()
        # The last piece of the answer will take the client's buffer over its mark.
        transport = mine.transport
        while not transport.get_write_buffer_size():
            transport.write(BLOCK)
            await asyncio.sleep(0)
        transport.set_write_buffer_limits(high=transport.get_write_buffer_size() + 1)
        await server.send(OK)
        await asyncio.sleep(0.1)
        await other.send(GET)
        await server.read_head()
        await server.send(OK)
        assert (await other.read_message())[1] == b"ok"


async def test_a_body_of_tiny_chunks(client, upstream):
    await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    await asyncio.sleep(0.05)
    await client.send(b"2\r\nab\r\n" * 100_000 + b"0\r\n\r\n")
    server = await upstream.accept()
    assert (await server.read_message())[1] == b"ab" * 100_000


async def test_writes_find_room_where_only_idle_connections_are(run, upstream):
    gateway = await run(simple(upstream, upstream_keys="max_connections: 1, pool_idle: 50ms"))
    async with client_of(gateway) as client:
        await client.send(GET)
        first = await upstream.accept()
        await first.read_head()
        await first.send(OK)
        await client.read_message()
        await asyncio.sleep(0.1)
        await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
        second = await upstream.accept()
        await second.read_head()
        await second.send(OK)
        assert (await client.read_message())[0].startswith(b"HTTP/1.1 200 ")
        assert await first.ended()


async def test_a_slow_upload_does_not_make_an_old_connection_young(run, upstream):
    gateway = await run(simple(upstream, upstream_keys="request_buffering: all, pool_idle: 100ms"))
    async with client_of(gateway) as reader, client_of(gateway) as writer:
        await writer.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na")
        await asyncio.sleep(0.05)
        await reader.send(GET)
        first = await upstream.accept()
        await first.read_head()
        await first.send(OK)
        await reader.read_message()
        await asyncio.sleep(0.2)
        await writer.send(b"b")
        second = await upstream.accept()
        assert (await second.read_message())[1] == b"ab"


async def test_a_read_survives_any_number_of_dead_pooled_connections(run, upstream):
    gateway = await run(simple(upstream))
    dead = []
    clients = [await gateway.connect() for _ in range(6)]
    for client in clients:
        await client.send(GET)
        server = await upstream.accept()
        await server.read_head()
        dead.append(server)
    for client, server in zip(clients, dead, strict=True):
        await server.send(OK)
        await client.read_message()

    async def die(server) -> None:
        await server.read_head()
        server.close()

    dying = [asyncio.ensure_future(die(server)) for server in dead]
    await clients[0].send(GET)
    server = await upstream.accept()
    await server.read_head()
    await server.send(OK)
    assert (await clients[0].read_message())[1] == b"ok"
    for task in dying:
        task.cancel()
    for client in clients:
        client.close()


async def test_a_tunnel_that_opens_under_a_fence_is_closed_at_once(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 0))
    async with client_of(gateway) as client:
        await client.send(
            b"GET /api/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        )
        server = await upstream.accept()
        await server.read_head()
        gateway.install(fenced(split(upstream, new, 0, version=2)))
        await server.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        )
        await client.read_all()
        assert await server.ended()
        assert gateway.plane.writes_in_flight() == {}


async def test_a_refused_head_is_readable_for_a_client_that_still_sends(gateway, upstream):
    async with client_of(gateway) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 40_000)
        got = await client.read_head()
        for _ in range(20):  # a reset would make this fail
            await client.send(b"a" * 65536)
            await asyncio.sleep(0.005)
        assert got.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("code", [b"099", b"000", b"600"])
async def test_a_status_that_is_none(client, upstream, code):
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    await server.send(b"HTTP/1.1 " + code + b" What\r\nContent-Length: 0\r\n\r\n")
    assert (await client.read_head()).startswith(b"HTTP/1.1 502 ")


async def test_an_answer_without_a_body_has_no_length_either(client, upstream):
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    await server.send(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello")
    assert b"content-length" not in (await client.read_head()).lower()


async def test_an_endpoint_that_accepts_and_resets(run, upstream, another):
    """No request may wait for an answer from a connection that was lost before it was used."""
    import socket
    import struct

    async def reset(_reader, writer) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    upstream.port = server.sockets[0].getsockname()[1]
    gateway = await run(simple(upstream))
    async with server, client_of(gateway) as client:
        for _ in range(200):
            await client.send(GET)
            assert (await client.read_message())[0].startswith(b"HTTP/1.1 502 ")


async def test_a_tunnel_to_an_endpoint_that_reads_nothing_ends_with_its_client(
    gateway, client, upstream
):
    await client.send(
        b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )
    server = await upstream.accept()
    await server.read_head()
    server.reader._limit = 1024
    await server.send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )
    await client.read_head()
    (connection,) = gateway.plane.clients
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            while True:
                client.writer.write(BLOCK)
                await client.writer.drain()
    connection.tunnel.close()
    async with asyncio.timeout(5):
        while gateway.cells[UPSTREAM_CONNECTIONS]:
            await asyncio.sleep(0.02)
