"""Which requests may take a kept connection, go to another endpoint, or be sent again."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from support.wire import client_of, simple, value

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


def two(first: int, second: int, keys: str) -> str:
    endpoints = f"['http://127.0.0.1:{first}', 'http://127.0.0.1:{second}']"
    return (
        f"version: 1\nupstreams: {{legacy: {{endpoints: {endpoints}, {keys}}}}}\ndefault: legacy\n"
    )


async def kept(client, upstream):
    """A connection to the upstream that has served once and is idle."""
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    await server.send(OK)
    await client.read_message()
    return server


@pytest.mark.parametrize("method", [b"HEAD", b"OPTIONS", b"TRACE"])
async def test_other_safe_methods_are_sent_again_too(client, upstream, method):
    stale = await kept(client, upstream)
    await client.send(method + b" / HTTP/1.1\r\nHost: h\r\n\r\n")
    await stale.read_head()
    stale.abort()
    fresh = await upstream.accept()
    assert (await fresh.read_head()).startswith(method)
    await fresh.send(OK if method != b"HEAD" else b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    assert (await client.read_head()).startswith(b"HTTP/1.1 200 ")


async def test_a_read_with_a_body_is_sent_again_whole_or_not_at_all(client, upstream):
    stale = await kept(client, upstream)
    await client.send(b"GET /search HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nquery")
    await stale.read_message()
    stale.abort()
    answer = asyncio.ensure_future(client.read_message())
    again = asyncio.ensure_future(upstream.accept())
    await asyncio.wait((answer, again), return_when=asyncio.FIRST_COMPLETED)
    if again.done():
        fresh = again.result()
        assert (await fresh.read_message())[1] == b"query"
        await fresh.send(OK)
        assert (await answer)[1] == b"ok"
    else:
        again.cancel()
        assert answer.result()[0].startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"],
    ids=["nothing", "an interim answer", "a part"],
)
async def test_a_write_that_died_is_seen_by_one_upstream_once(run, upstream, another, answer):
    other = await another()
    gateway = await run(two(upstream.port, other.port, "balance: round_robin"))
    async with client_of(gateway) as client:
        await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
        waiting = [asyncio.ensure_future(server.accept()) for server in (upstream, other)]
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        server = done.pop().result()
        assert (await server.read_message())[1] == b"abc"
        await server.send(answer)
        server.close()
        got = await client.read_all() if answer.endswith(b"ab") else await last_head(client)
        assert got.endswith(b"ab") or got.startswith(b"HTTP/1.1 502 ")
    assert upstream.connections + other.connections == 1


async def last_head(client) -> bytes:
    head = await client.read_head()
    return await client.read_head() if head.startswith(b"HTTP/1.1 1") else head


async def test_a_write_whose_body_is_still_coming_is_cut_not_repeated(client, upstream):
    server = await kept(client, upstream)
    await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc")
    await server.read_head()
    server.abort()
    assert (await client.read_message())[0].startswith(b"HTTP/1.1 502 ")
    await client.send(b"def")
    assert await client.ended()
    assert upstream.connections == 1


@pytest.mark.parametrize("balance", ["least_requests", "p2c"])
async def test_a_busy_endpoint_is_spared(run, upstream, another, balance):
    other = await another()
    gateway = await run(two(upstream.port, other.port, f"balance: {balance}"))
    async with client_of(gateway) as stuck, client_of(gateway) as client:
        await stuck.send(GET)
        waiting = [asyncio.ensure_future(server.accept()) for server in (upstream, other)]
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        busy = done.pop()
        await busy.result().read_head()
        (free,) = pending
        await client.send(GET)
        server = await free
        for _ in range(6):
            await server.read_head()
            await server.send(OK)
            assert (await client.read_message())[1] == b"ok"
            await client.send(GET)
        await server.read_head()


async def test_round_robin_takes_turns(run, upstream, another):
    other = await another()
    gateway = await run(two(upstream.port, other.port, "balance: round_robin"))
    async with client_of(gateway) as client:
        for turn in range(6):
            await client.send(GET)
            server = (upstream, other)[turn % 2]
            wire = await server.accept() if turn < 2 else server.wires[0]
            await wire.read_head()
            await wire.send(OK)
            assert (await client.read_message())[1] == b"ok"


async def test_an_upstream_that_takes_no_more_of_an_upload(run, upstream):
    gateway = await run(
        simple(upstream, upstream_keys="request_buffering: off, timeouts: {idle: 300ms}")
    )
    async with client_of(gateway) as client:
        await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000000\r\n\r\n")
        server = await upstream.accept()
        await server.read_head()
        server.writer.transport.pause_reading()

        async def push() -> None:
            with contextlib.suppress(ConnectionError):
                for _ in range(900):
                    client.writer.write(b"x" * 65536)
                    await client.writer.drain()

        pushing = asyncio.ensure_future(push())
        assert (await client.read_head()).startswith(b"HTTP/1.1 504 ")
        pushing.cancel()


async def test_the_hosts_that_an_upstream_may_be_told(run, upstream):
    for keys, expected in (
        ("host: keep", b"shop:81"),
        ("host: inner.example", b"inner.example"),
        ("host: endpoint", b"127.0.0.1:%d" % upstream.port),
    ):
        gateway = await run(simple(upstream, upstream_keys=keys))
        async with client_of(gateway) as client:
            await client.send(b"GET / HTTP/1.1\r\nHost: shop:81\r\n\r\n")
            head = await (await upstream.accept()).read_head()
            assert value(head, b"host") == [expected]
            assert value(head, b"x-forwarded-host") == [b"shop:81"]


async def test_only_so_many_connections_are_kept(run, upstream):
    gateway = await run(simple(upstream, upstream_keys="pool_size: 1"))
    async with client_of(gateway) as one, client_of(gateway) as other:
        servers = []
        for client in (one, other):
            await client.send(GET)
            servers.append(await upstream.accept())
            await servers[-1].read_head()
        for client, server in zip((one, other), servers, strict=True):
            await server.send(OK)
            await client.read_message()
        assert await servers[1].ended()
        await one.send(GET)
        await servers[0].read_head()
