"""What is under way at the same time: uploads and answers, slow readers, and leave-takings."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from support.wire import Wire, client_of, simple, value

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKS = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
BLOCK = b"x" * 65536
MIB = 1 << 20


def off(upstream) -> str:
    return simple(upstream, upstream_keys="request_buffering: off")


async def fill(wire: Wire, total: int) -> int:
    """Send until the other side takes no more; how much it took."""
    sent = 0
    with contextlib.suppress(TimeoutError, ConnectionError):
        while sent < total:
            wire.writer.write(BLOCK)
            sent += len(BLOCK)
            async with asyncio.timeout(0.4):
                await wire.writer.drain()
    return sent


def stop_reading(wire: Wire) -> None:
    wire.writer.transport.pause_reading()


async def test_a_dialogue_of_chunks(run, upstream):
    """Both bodies are under way at once, each piece in answer to the other."""
    gateway = await run(off(upstream))
    async with client_of(gateway) as client:
        await client.send(CHUNKS)
        server = await upstream.accept()
        await server.read_head()
        await server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await client.read_head()
        for _ in range(3):
            await client.send(b"4\r\nping\r\n")
            assert await server.read(9) == b"4\r\nping\r\n"
            await server.send(b"4\r\npong\r\n")
            assert await client.read(9) == b"4\r\npong\r\n"
        await client.send(b"0\r\n\r\n")
        assert await server.read(5) == b"0\r\n\r\n"
        await server.send(b"0\r\n\r\n")
        assert await client.read(5) == b"0\r\n\r\n"


async def test_an_early_answer_arrives_whole_while_the_client_still_sends(run, upstream):
    gateway = await run(off(upstream))
    body = bytes(range(256)) * 2000
    async with client_of(gateway) as client:
        await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n" + BLOCK)
        server = await upstream.accept()
        await server.read_head()
        await server.send(
            b"HTTP/1.1 413 Content Too Large\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        sending = asyncio.ensure_future(fill(client, 8_000_000))
        head, got = await client.read_message()
        assert value(head, b"connection") == [b"close"]
        assert got == body
        sending.cancel()


async def test_a_chunked_upload_is_not_piled_up_for_a_slow_upstream(run, upstream):
    gateway = await run(off(upstream))
    async with client_of(gateway) as client:
        await client.send(CHUNKS + b"3938700\r\n")
        server = await upstream.accept()
        stop_reading(server)
        await fill(client, 59_000_000)
        (connection,) = gateway.plane.clients
        upstream_side = connection.exchange.upstream.transport
        assert upstream_side.get_write_buffer_size() < MIB
        client.abort()


async def test_a_tunnel_does_not_pile_up_either(gateway, upstream):
    async with client_of(gateway) as client:
        await client.send(
            b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        )
        server = await upstream.accept()
        await server.read_head()
        await server.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        )
        await client.read_head()
        (connection,) = gateway.plane.clients
        stop_reading(client)
        await fill(server, 64 * MIB)
        assert connection.transport.get_write_buffer_size() < MIB
        stop_reading(server)
        await fill(client, 64 * MIB)
        assert connection.exchange.upstream.transport.get_write_buffer_size() < MIB


@pytest.mark.parametrize("count", [3, 100])
async def test_pipelined_requests_of_a_half_closed_client_are_all_answered(client, upstream, count):
    await client.send(GET * count)
    client.half_close()
    server = await upstream.accept()
    for _ in range(count):
        await server.read_head()
        await server.send(OK)
    assert (await client.read_all()).count(b"HTTP/1.1 200 OK") == count


async def test_a_half_close_within_a_body_ends_the_request(client, upstream):
    await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab")
    server = await upstream.accept()
    await server.read_head()
    assert await server.read(2) == b"ab"
    client.half_close()
    assert await server.ended()


async def test_an_upstream_that_half_closes_behind_its_answer(client, upstream):
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    await server.send(OK)
    server.half_close()
    assert (await client.read_message())[1] == b"ok"
    assert await server.ended()
    await client.send(GET)
    await (await upstream.accept()).read_head()


async def test_an_upstream_that_half_closes_before_its_answer(client, upstream):
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    server.half_close()
    assert (await client.read_message())[0].startswith(b"HTTP/1.1 502 ")


async def test_an_aborted_answer_is_not_taken_for_the_next_clients(gateway, upstream):
    async with client_of(gateway) as leaver:
        await leaver.send(GET)
        first = await upstream.accept()
        await first.read_head()
        await first.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nfor")
        await leaver.read_head()
        leaver.abort()
        assert await first.ended()
    async with client_of(gateway) as other:
        await other.send(GET)
        second = await upstream.accept()
        await second.read_head()
        await second.send(OK)
        assert (await other.read_message())[1] == b"ok"


async def test_a_client_that_leaves_while_a_connection_is_opened(gateway, upstream):
    client = await gateway.connect()
    await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
    client.abort()
    await asyncio.sleep(0.05)  # what was opened for it may now be idle, or cut
    async with client_of(gateway) as other:
        await other.send(GET)
        head = b""
        while not head.startswith(b"GET "):
            server = await upstream.accept()
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                head, _ = await server.read_message()
        await server.send(OK)
        assert (await other.read_message())[1] == b"ok"


async def test_events_of_a_body_without_a_length_are_not_held_back(client, upstream):
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    assert value(await client.read_head(), b"content-type") == [b"text/event-stream"]
    for number in range(3):
        event = b"data: %d\n\n" % number
        await server.send(event)
        assert await client.read(len(event) + 5) == b"9\r\n" + event + b"\r\n"


async def test_an_empty_line_behind_a_body_is_forgiven(client, upstream):
    """RFC 9112, 2.2: old clients send one."""
    await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab\r\n" + GET)
    server = await upstream.accept()
    assert (await server.read_message())[1] == b"ab"
    await server.send(OK)
    await client.read_message()
    assert (await server.read_head()).startswith(b"GET / ")


@pytest.mark.parametrize("buffering", ["off", "all"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_large_upload_behind_a_request_that_takes_its_time(
    run, upstream, buffering, framing
):
    gateway = await run(simple(upstream, upstream_keys=f"request_buffering: {buffering}"))
    body = bytes(range(256)) * 12_000
    async with client_of(gateway) as client:
        if framing == "length":
            put = b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        else:
            put = CHUNKS + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        await client.send(GET)
        server = await upstream.accept()
        await server.read_head()
        sending = asyncio.ensure_future(client.send(put))
        await asyncio.sleep(0.2)
        (connection,) = gateway.plane.clients
        assert connection.reading is None or connection.reading.pending_bytes < MIB
        await server.send(OK)
        await client.read_message()
        head, got = await server.read_message()
        if value(head, b"transfer-encoding"):
            got = dechunked(got)
        assert got == body
        await sending
        await server.send(OK)
        await client.read_message()


def dechunked(data: bytes) -> bytes:
    body, at = b"", 0
    while size := int(data[at : (end := data.index(b"\r\n", at))], 16):
        body += data[end + 2 : end + 2 + size]
        at = end + size + 4
    return body


async def test_an_expectation_behind_another_request_is_answered_in_its_turn(client, upstream):
    await client.send(
        GET + b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    )
    server = await upstream.accept()
    await server.read_head()
    assert await client.silent()
    await server.send(OK)
    assert (await client.read_message())[1] == b"ok"
    assert value(await server.read_head(), b"expect") == [b"100-continue"]
    await server.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert (await client.read_head()).startswith(b"HTTP/1.1 100 ")
    await client.send(b"ab")
    assert await server.read(2) == b"ab"
    await server.send(OK)
    assert (await client.read_message())[1] == b"ok"
