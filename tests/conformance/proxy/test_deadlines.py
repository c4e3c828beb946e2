"""Everything that waits ends: slow clients and slow upstreams alike."""

from __future__ import annotations

import pytest
from support.wire import client_of, simple

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1\r\nHost: h\r\nX:"])
async def test_a_slow_head(run, upstream, sent):
    gateway = await run(simple(upstream, gateway="timeouts: {header: 200ms}"))
    async with client_of(gateway) as client:
        await client.send(sent)
        assert (await client.read_all()).startswith(b"HTTP/1.1 408 ")


async def test_a_slow_head_is_not_saved_by_dripping(run, upstream):
    gateway = await run(simple(upstream, gateway="timeouts: {header: 300ms}"))
    async with client_of(gateway) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: h\r\n")
        try:
            for _ in range(20):
                assert await client.silent(0.1)
                await client.send(b"X: y\r\n")
        except (AssertionError, ConnectionError):
            return
    pytest.fail("the head was waited for as long as it dripped")


async def test_a_connection_that_says_nothing_is_closed(run, upstream):
    gateway = await run(simple(upstream, gateway="timeouts: {header: 200ms}"))
    async with client_of(gateway) as client:
        assert await client.ended()


async def test_an_idle_connection_is_closed(run, upstream):
    gateway = await run(simple(upstream, gateway="timeouts: {keep_alive: 200ms}"))
    async with client_of(gateway) as client:
        await client.send(GET)
        server = await upstream.accept()
        await server.read_head()
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await client.read_head()
        assert await client.ended()


@pytest.mark.parametrize("buffering", ["off", "all"])
async def test_a_slow_body(run, upstream, buffering):
    gateway = await run(
        simple(
            upstream,
            gateway="timeouts: {body: 200ms}",
            upstream_keys=f"request_buffering: {buffering}",
        )
    )
    async with client_of(gateway) as client:
        await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab")
        assert (await client.read_all()).startswith(b"HTTP/1.1 408 ")


async def test_a_slow_first_byte(run, upstream):
    gateway = await run(simple(upstream, upstream_keys="timeouts: {first_byte: 200ms}"))
    async with client_of(gateway) as client:
        await client.send(GET)
        server = await upstream.accept()
        await server.read_head()
        head, body = await client.read_message()
        assert head.startswith(b"HTTP/1.1 504 ")
        assert b"first_byte_timeout" in body
        assert await server.ended()


async def test_a_body_that_stops(run, upstream):
    gateway = await run(simple(upstream, upstream_keys="timeouts: {idle: 200ms}"))
    async with client_of(gateway) as client:
        await client.send(GET)
        server = await upstream.accept()
        await server.read_head()
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        assert (await client.read_all()).endswith(b"hello")
        assert await server.ended()


@pytest.mark.parametrize("begun", [False, True])
async def test_the_whole_exchange(run, upstream, begun):
    gateway = await run(simple(upstream, upstream_keys="timeouts: {total: 300ms}"))
    async with client_of(gateway) as client:
        await client.send(GET)
        server = await upstream.accept()
        await server.read_head()
        if begun:
            await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            assert (await client.read_all()).endswith(b"hello")
        else:
            assert (await client.read_message())[0].startswith(b"HTTP/1.1 504 ")
        assert await server.ended()


async def test_a_client_that_takes_nothing(run, upstream):
    gateway = await run(simple(upstream, gateway="timeouts: {send: 300ms}"))
    async with client_of(gateway) as client:
        client.reader._limit = 1024
        await client.send(GET)
        server = await upstream.accept()
        await server.read_head()
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        server.writer.write(b"x" * 50_000_000)
        assert await server.ended()


async def test_a_connection_that_is_not_accepted(run):
    import socket

    with socket.socket() as full:  # a backlog that is full: further SYNs are dropped
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        gateway = await run(
            f"version: 1\nupstreams: {{legacy: {{endpoints: ['http://127.0.0.1:{port}'],"
            " timeouts: {connect: 300ms}}}\ndefault: legacy\n"
        )
        async with client_of(gateway) as client:
            await client.send(GET)
            head, body = await client.read_message()
        for filler in fillers:
            filler.close()
    assert head.startswith(b"HTTP/1.1 504 ")
    assert b"connect_timeout" in body
