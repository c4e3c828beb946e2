"""Who is sent where: kill, deny, allow, force and bucket, in this order, as requests meet them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest
from support.wire import WAIT, client_of, fenced, split, value

from strangler.proxy.counters import CONNECTIONS, HELD

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


def table(old, new, share: float, keys: str) -> str:
    groups = f"groups:\n  api: {{identity: ['cookie:user'], {keys}}}\n"
    return split(old, new, share, extra=groups)


async def side_of(gateway, lines: bytes, **sides) -> tuple[str, bytes, bytes]:
    """Name of the upstream that served, the head it got, and the head the client got."""
    async with client_of(gateway) as client:
        await client.send(b"GET /api HTTP/1.1\r\nHost: h\r\n" + lines + b"\r\n")
        waiting = {asyncio.ensure_future(up.accept()): name for name, up in sides.items()}
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        (served,) = done
        head = await served.result().read_head()
        await served.result().send(OK)
        return waiting[served], head, await client.read_head()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not true():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("share", "keys", "lines", "expected"),
    [
        (0, "allow: [ann]", b"Cookie: user=ann\r\n", "new"),
        (0, "allow: [ann]", b"Cookie: user=bob\r\n", "old"),
        (100, "deny: [ann]", b"Cookie: user=ann\r\n", "old"),
        (100, "deny: [ann]", b"Cookie: user=bob\r\n", "new"),
        (50, "allow: [ann], deny: [ann]", b"Cookie: user=ann\r\n", "old"),
        (0, "force: {header: X-Side}", b"X-Side: new\r\n", "new"),
        (0, "force: {header: X-Side}", b"x-side: fresh\r\n", "new"),
        (100, "force: {header: X-Side}", b"X-Side: old\r\n", "old"),
        (100, "force: {header: X-Side}", b"X-Side: nobody\r\n", "new"),
        (0, "force: {cookie: side}", b"Cookie: a=b; side=new\r\n", "new"),
        (0, "force: {header: X-Side}, deny: [ann]", b"Cookie: user=ann\r\nX-Side: new\r\n", "old"),
        (100, "kill: true", b"Cookie: user=ann\r\n", "old"),
        (100, "kill: true, allow: [ann]", b"Cookie: user=ann\r\n", "old"),
        (100, "kill: true, force: {header: X-Side}", b"X-Side: new\r\n", "old"),
        (0, "salt: s", b"Cookie: user=ann\r\n", "old"),
        (100, "salt: s", b"Cookie: user=ann\r\n", "new"),
    ],
)
async def test_where_a_request_goes(run, upstream, another, share, keys, lines, expected):
    new = await another()
    gateway = await run(table(upstream, new, share, keys))
    side, _, _ = await side_of(gateway, lines, old=upstream, new=new)
    assert side == expected


async def test_kill_counts_from_the_next_request_of_a_connection(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 100))
    async with client_of(gateway) as client:
        await client.send(b"GET /api HTTP/1.1\r\nHost: h\r\n\r\n")
        server = await new.accept()
        await server.read_head()
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await client.read_head()
        gateway.install(
            split(upstream, new, 100, version=2, extra="groups:\n  api: {kill: true}\n")
        )
        await client.send(b"GET /api HTTP/1.1\r\nHost: h\r\n\r\n")
        await (await upstream.accept()).read_head()


async def test_a_forged_cookie_is_replaced(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 50))
    _, _, head = await side_of(
        gateway, b"Cookie: strangler_id=AAAA.BBBB\r\n", old=upstream, new=new
    )
    cookie = re.search(rb"Set-Cookie: strangler_id=([^;]+);[^\r]*", head)
    assert cookie is not None
    assert cookie[1] != b"AAAA.BBBB"
    assert b"HttpOnly" in cookie[0]


async def test_the_gateways_cookie_comes_beside_the_upstreams(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 50))
    async with client_of(gateway) as client:
        await client.send(b"GET /api HTTP/1.1\r\nHost: h\r\n\r\n")
        waiting = [asyncio.ensure_future(up.accept()) for up in (upstream, new)]
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        server = done.pop().result()
        await server.read_head()
        await server.send(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 0\r\n\r\n"
        )
        first, second, third = value(await client.read_head(), b"set-cookie")
    assert (first, second) == (b"a=1", b"b=2")
    assert third.startswith(b"strangler_id=")


# fences


async def test_an_upload_whose_client_left_while_held_never_looks_complete(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 0))
    gateway.install(fenced(split(upstream, new, 0, version=2)))
    client = await gateway.connect()
    await client.send(b"PUT /api HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n")
    await client.send(b"x" * 300_000)
    await until(lambda: gateway.cells[HELD] == 1)
    client.abort()
    gateway.install(split(upstream, new, 100, version=3))
    await until(lambda: gateway.cells[CONNECTIONS] == 0)
    for server in new.wires:  # none if the leave-taking was seen before the fence was gone
        got = await server.read_all()
        assert len(got.partition(b"\r\n\r\n")[2]) < 900_000
    assert upstream.connections == 0
    assert gateway.plane.writes_in_flight() == {}


async def test_a_fence_holds_one_group_only(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 0))
    gateway.install(fenced(split(upstream, new, 0, version=2)))
    async with client_of(gateway) as held, client_of(gateway) as free:
        await held.send(b"POST /api HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
        await free.send(b"POST /else HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
        server = await upstream.accept()
        assert (await server.read_head()).startswith(b"POST /else ")
        await server.send(OK)
        await free.read_message()
        assert await held.silent()
    assert upstream.connections + new.connections == 1


async def test_an_aborted_table_change_releases_to_the_old_side(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 0))
    gateway.install(fenced(split(upstream, new, 0, version=2)))
    async with client_of(gateway) as client:
        await client.send(b"DELETE /api HTTP/1.1\r\nHost: h\r\n\r\n")
        assert await client.silent()
        gateway.install(split(upstream, new, 0, version=3))
        server = await upstream.accept()
        await server.read_head()
        await server.send(OK)
        assert (await client.read_message())[1] == b"ok"
    assert new.connections == 0


async def test_reads_behind_a_held_write_wait_for_it(run, upstream, another):
    """Pipelined answers keep their order, so a read cannot overtake."""
    new = await another()
    gateway = await run(split(upstream, new, 0))
    gateway.install(fenced(split(upstream, new, 0, version=2)))
    async with client_of(gateway) as client:
        await client.send(
            b"POST /api/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
            b"GET /api/2 HTTP/1.1\r\nHost: h\r\n\r\n"
        )
        assert await client.silent()
        assert upstream.connections == 0
        gateway.install(split(upstream, new, 100, version=3))
        server = await new.accept()
        for line in (b"POST /api/1 ", b"GET /api/2 "):
            assert (await server.read_head()).startswith(line)
            await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + line[-2:-1])
            assert (await client.read_message())[1] == line[-2:-1]
