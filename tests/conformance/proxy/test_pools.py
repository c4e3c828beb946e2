"""Connections to endpoints, and what is sent again: reads at most, and never a write."""

from __future__ import annotations

import asyncio

import pytest
from support.wire import client_of, parse, simple

from strangler.proxy.counters import RECONNECTS_TOTAL

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def request(method: str = "GET", path: str = "/") -> bytes:
    body = b"" if method in {"GET", "HEAD"} else b"Content-Length: 3\r\n"
    head = f"{method} {path} HTTP/1.1\r\nHost: h\r\n".encode() + body + b"\r\n"
    return head + (b"abc" if body else b"")


async def served(client, upstream, raw: bytes = b"") -> object:
    """One exchange on a new connection, which is then idle."""
    await client.send(raw or request())
    server = await upstream.accept()
    await server.read_message()
    await server.send(OK)
    await client.read_message()
    return server


async def test_a_connection_is_used_again(client, upstream):
    server = await served(client, upstream)
    for method in ("GET", "POST", "PUT"):
        await client.send(request(method))
        await server.read_message()
        await server.send(OK)
        await client.read_message()
    assert upstream.connections == 1


async def test_a_read_on_a_connection_that_died_idle_is_sent_again(gateway, client, upstream):
    server = await served(client, upstream)
    await client.send(request())
    await server.read_head()
    server.abort()  # as if it had closed just before the request came
    second = await upstream.accept()
    await second.read_head()
    await second.send(OK)
    assert (await client.read_message())[1] == b"ok"
    assert gateway.cells[RECONNECTS_TOTAL] == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_write_is_never_sent_twice(client, upstream, method):
    server = await served(client, upstream)
    await client.send(request(method))
    await server.read_message()
    server.close()
    head, body = await client.read_message()
    assert head.startswith(b"HTTP/1.1 502 ")
    assert b"upstream_reset" in body
    assert upstream.connections == 1


async def test_a_read_on_a_fresh_connection_is_not_sent_again(client, upstream):
    await client.send(request())
    server = await upstream.accept()
    await server.read_head()
    server.close()
    assert (await client.read_message())[0].startswith(b"HTTP/1.1 502 ")
    assert upstream.connections == 1


async def test_a_read_whose_answer_has_begun_is_not_sent_again(client, upstream):
    server = await served(client, upstream)
    await client.send(request())
    await server.read_head()
    await server.send(b"HTTP/1.1 200")
    server.close()
    assert (await client.read_message())[0].startswith(b"HTTP/1.1 502 ")
    assert upstream.connections == 1


async def test_a_write_does_not_use_a_connection_that_was_idle_for_long(run, upstream):
    gateway = await run(simple(upstream, upstream_keys="pool_idle: 100ms"))
    async with client_of(gateway) as client:
        await served(client, upstream)
        await asyncio.sleep(0.2)
        await served(client, upstream, request("POST"))  # accepts a second connection
        assert upstream.connections == 2


async def test_a_read_does(run, upstream):
    gateway = await run(simple(upstream, upstream_keys="pool_idle: 100ms"))
    async with client_of(gateway) as client:
        server = await served(client, upstream)
        await asyncio.sleep(0.2)
        await client.send(request())
        await server.read_head()
        assert upstream.connections == 1


async def test_a_connection_closed_while_idle_is_not_used(client, upstream):
    server = await served(client, upstream)
    server.close()
    await asyncio.sleep(0.05)
    await served(client, upstream, request("POST"))
    assert upstream.connections == 2


def two(first: int, second: int, keys: str = "") -> str:
    return (
        "version: 1\nupstreams:\n  legacy:\n    endpoints:\n"
        f"      - http://127.0.0.1:{first}\n      - http://127.0.0.1:{second}\n"
        f"    {keys}\ndefault: legacy\n"
    )


async def answer_everything(server, count: list[int], index: int) -> None:
    async def serve(wire) -> None:
        try:
            while True:
                await wire.reader.readuntil(b"\r\n\r\n")
                count[index] += 1
                wire.writer.write(OK)
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(serve(await server._accepted.get()))


@pytest.mark.parametrize("balance", ["round_robin", "least_requests", "p2c"])
async def test_requests_are_spread(run, upstream, another, balance):
    other = await another()
    count = [0, 0]
    tasks = [
        asyncio.ensure_future(answer_everything(server, count, index))
        for index, server in enumerate((upstream, other))
    ]
    gateway = await run(two(upstream.port, other.port, f"balance: {balance}"))
    async with client_of(gateway) as client:
        for _ in range(40):
            await client.send(request())
            assert (await client.read_message())[1] == b"ok"
    for task in tasks:
        task.cancel()
    assert sum(count) == 40
    assert min(count) >= 8


async def test_an_endpoint_that_refuses_is_passed_over(run, upstream, another):
    dead = await another()
    await dead.stop()
    gateway = await run(two(dead.port, upstream.port))
    for method in ("GET", "POST"):
        for _ in range(2):
            async with client_of(gateway) as client:
                await client.send(request(method))
                server = await upstream.accept()
                await server.read_message()
                await server.send(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                assert (await client.read_message())[1] == b"ok"


async def test_all_endpoints_dead(run, another):
    dead = await another()
    await dead.stop()
    gateway = await run(
        two(dead.port, dead.port + 0).replace(f"      - http://127.0.0.1:{dead.port}\n", "", 1)
    )
    async with client_of(gateway) as client:
        await client.send(request("POST"))
        head, body = await client.read_message()
        assert head.startswith(b"HTTP/1.1 502 ")
        assert b"connect_failed" in body


async def test_an_unhealthy_endpoint_gets_nothing(run, upstream, another):
    sick = await another()
    gateway = await run(two(sick.port, upstream.port))
    gateway.plane.set_health("legacy", f"http://127.0.0.1:{sick.port}", up=False)
    async with client_of(gateway) as client:
        server = await served(client, upstream)
        for _ in range(3):
            await client.send(request())
            await server.read_head()
            await server.send(OK)
            await client.read_message()
    assert sick.connections == 0


async def test_the_connections_of_an_endpoint_are_bounded(run, upstream):
    gateway = await run(simple(upstream, upstream_keys="max_connections: 1"))
    async with client_of(gateway) as first, client_of(gateway) as second:
        await first.send(request())
        await (await upstream.accept()).read_head()
        await second.send(request())
        head, body = await second.read_message()
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: " in head
        assert b"upstream_connections" in body


async def test_a_name_is_looked_up(run, upstream):
    gateway = await run(simple(upstream).replace("127.0.0.1", "localhost"))
    async with client_of(gateway) as client:
        await served(client, upstream)


async def test_a_unix_socket_serves(run, tmp_path):
    accepted: asyncio.Queue = asyncio.Queue()

    async def connected(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        accepted.put_nowait(writer)

    server = await asyncio.start_unix_server(connected, str(tmp_path / "u"))
    gateway = await run(
        f"version: 1\nupstreams: {{legacy: {{endpoints: ['unix:{tmp_path}/u']}}}}\n"
        "default: legacy\n"
    )
    async with client_of(gateway) as client:
        await client.send(request())
        assert (await client.read_message())[1] == b"ok"
    (await accepted.get()).close()
    server.close()


async def test_endpoints_that_are_no_longer_named_are_left(gateway, client, upstream, another):
    server = await served(client, upstream)
    other = await another()
    gateway.install(parse(simple(other, version=2)))
    assert await server.ended()
    await served(client, other)
