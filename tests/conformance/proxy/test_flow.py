"""Bodies are streamed, and a slow side slows the other one instead of filling memory."""

from __future__ import annotations

import asyncio

import pytest
from support.wire import client_of, simple

BLOCK = b"x" * 65536
LIMIT = 16 << 20
"""More than this must not be taken in for a side that reads nothing (kernel buffers included)."""


async def push(wire, size: int) -> int:
    """Write until the other side takes no more; how much that was."""
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


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_client_that_reads_nothing_stops_the_upstream(client, upstream, framing):
    client.reader._limit = 1024
    await client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    server = await upstream.accept()
    await server.read_head()
    size = 256 << 20
    if framing == "length":
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    else:
        await server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % size)
    assert await push(server, size) < LIMIT


async def test_an_upstream_that_reads_nothing_stops_the_client(client, upstream):
    size = 256 << 20
    await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000000\r\n\r\n")
    server = await upstream.accept()
    server.reader._limit = 1024
    await server.read_head()
    assert await push(client, size) < LIMIT


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_large_answer_arrives_whole(client, upstream, framing):
    body = bytes(range(256)) * 40_000
    await client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    server = await upstream.accept()
    await server.read_head()

    async def send() -> None:
        if framing == "length":
            await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        else:
            await server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(body), 100_000):
                piece = body[start : start + 100_000]
                await server.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            await server.send(b"0\r\n\r\n")

    task = asyncio.ensure_future(send())
    _, got = await client.read_message()
    await task
    if framing == "chunked":
        got = dechunk(got)
    assert got == body


def dechunk(data: bytes) -> bytes:
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        if not int(size, 16):
            return body
        body += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]


async def test_a_large_upload_arrives_whole(client, upstream):
    body = bytes(range(256)) * 40_000
    request = b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    task = asyncio.ensure_future(client.send(request))
    server = await upstream.accept()
    await server.read_head()
    assert await server.read(len(body)) == body
    await task
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    await client.read_head()


async def test_an_upload_is_not_collected_before_it_is_sent(client, upstream):
    await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab")
    server = await upstream.accept()
    await server.read_head()
    assert await server.read(2) == b"ab"
    await client.send(b"cd")
    assert await server.read(2) == b"cd"


async def test_too_many_collected_bodies_are_refused(run, upstream):
    gateway = await run(
        simple(
            upstream,
            upstream_keys="request_buffering: all",
            gateway="limits: {buffered_total: 1KiB}",
        )
    )
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n"
    async with client_of(gateway) as first, client_of(gateway) as second:
        await first.send(head + b"a" * 600)
        await asyncio.sleep(0.05)
        await second.send(head + b"a" * 600)
        assert (await second.read_all()).startswith(b"HTTP/1.1 503 ")
        await first.send(b"a" * 400)
        server = await upstream.accept()
        assert len((await server.read_message())[1]) == 1000
