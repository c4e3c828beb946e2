"""Routes, versions and fences as requests meet them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest
from support.wire import client_of, fenced, parse, simple, split, value

from strangler.proxy.counters import BYTES_OUT, HELD, IN_FLIGHT, NO_UPSTREAM, STATUS_4XX, Refusal

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
POST = b"POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"


async def answer(server, raw: bytes = OK) -> bytes:
    head, _ = await server.read_message()
    await server.send(raw)
    return head


async def ask(client, upstream, request: bytes) -> tuple[bytes, bytes]:
    """(head upstream got, head client got) on a new upstream connection that closes."""
    await client.send(request)
    server = await upstream.accept()
    head = await answer(server, OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    return head, (await client.read_message())[0]


async def test_a_request_finishes_under_the_version_it_began_with(run, upstream, another):
    other = await another()
    gateway = await run(simple(upstream, gateway="route_header: X-Route"))
    async with client_of(gateway) as client, client_of(gateway) as late:
        await client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        server = await upstream.accept()
        await server.read_head()
        gateway.install(simple(other, gateway="route_header: X-Route", version=2))
        await late.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await answer(await other.accept())
        assert value(await late.read_head(), b"x-route") == [b"-;legacy;v2"]
        await server.send(OK)
        head, body = await client.read_message()
        assert (value(head, b"x-route"), body) == ([b"-;legacy;v1"], b"ok")


async def test_a_table_that_does_not_compile_changes_nothing(gateway, client, upstream):
    bad = (
        simple(upstream, version=2)
        .replace("http:", "https:")
        .replace("']", "'], tls: {ca: /nonexistent.pem}")
    )
    with pytest.raises(OSError, match=r"."):
        gateway.install(bad)
    assert gateway.plane.live.version == 1
    await ask(client, upstream, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")


async def test_a_user_stays_where_the_cookie_puts_them(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 50))
    seen = set()
    for _ in range(12):
        async with client_of(gateway) as client:
            await client.send(b"GET /api HTTP/1.1\r\nHost: h\r\n\r\n")
            done, _ = await asyncio.wait(
                [asyncio.ensure_future(s._accepted.get()) for s in (upstream, new)],
                return_when=asyncio.FIRST_COMPLETED,
                timeout=3,
            )
            server = done.pop().result()
            await answer(server, OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            head, _ = await client.read_message()
        side = new if server in new.wires else upstream
        seen.add(side)
        cookie = re.search(rb"Set-Cookie: (strangler_id=[^;]+);", head)[1]
        for pending in asyncio.all_tasks() - {asyncio.current_task()}:
            pending.cancel()
        await asyncio.sleep(0)
        async with client_of(gateway) as client:
            request = b"GET /api HTTP/1.1\r\nHost: h\r\nCookie: a=b; " + cookie + b"\r\n\r\n"
            got, back = await ask(client, side, request)
            assert b"Set-Cookie" not in back
            assert cookie in got
    assert seen == {upstream, new}


async def test_fixed_answers_and_redirects(run, upstream):
    gateway = await run(
        simple(
            upstream,
            routes="""
            - name: gone
              match: {path: /feed.xml}
              respond: {status: 410, body: gone}
            - name: moved
              match: {prefix: /shop}
              redirect: {prefix: /products, status: 301}
            """,
        )
    )
    async with client_of(gateway) as client:
        await client.send(b"GET /feed.xml HTTP/1.1\r\nHost: h\r\n\r\n")
        head, body = await client.read_message()
        assert (head[:12], body) == (b"HTTP/1.1 410", b"gone")
        await client.send(b"HEAD /feed.xml HTTP/1.1\r\nHost: h\r\n\r\n")
        assert value(await client.read_head(), b"content-length") == [b"4"]
        await client.send(b"GET /shop/a?b=c HTTP/1.1\r\nHost: h\r\n\r\n")
        head, _ = await client.read_message()
        assert head.startswith(b"HTTP/1.1 301 ")
        assert value(head, b"location") == [b"/products/a?b=c"]
    assert upstream.connections == 0


async def test_answers_of_our_own_are_counted_by_their_route(run, upstream):
    routes = "- name: gone\n  match: {path: /feed}\n  respond: {status: 410, body: gone}\n"
    gateway = await run(simple(upstream, routes=routes))
    async with client_of(gateway) as client:
        await client.send(b"GET /feed HTTP/1.1\r\nHost: h\r\n\r\n")
        await client.read_message()
    base = gateway.series.bases["gone", NO_UPSTREAM]
    cells = gateway.cells
    assert [cells[base + c] for c in (STATUS_4XX, BYTES_OUT, IN_FLIGHT)] == [1, 4, 0]


async def test_a_fixed_answer_to_a_request_with_a_body(run, upstream):
    routes = "- name: gone\n  match: {path: /feed}\n  respond: {status: 410}\n"
    gateway = await run(simple(upstream, routes=routes))
    async with client_of(gateway) as client:
        await client.send(b"POST /feed HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
        assert (await client.read_all()).startswith(b"HTTP/1.1 410 ")


async def test_rewrites_and_their_way_back(run, upstream):
    gateway = await run(
        simple(
            upstream,
            routes="""
            - name: api
              match: {prefix: /api}
              upstream: legacy
              rewrite: {replace_prefix: {from: /api, to: /v2}}
              request_headers: {set: {X-Team: web}, remove: [X-Debug]}
              response_headers: {remove: [Server], add: {X-Served: yes-please}}
            """,
        )
    )
    async with client_of(gateway) as client:
        await client.send(b"GET /api/a%2Bb?q HTTP/1.1\r\nHost: shop\r\nX-Debug: 1\r\n\r\n")
        server = await upstream.accept()
        got = await server.read_head()
        assert got.split(b" ")[1] == b"/v2/a%2Bb?q"
        assert (value(got, b"x-team"), value(got, b"x-debug")) == ([b"web"], [])
        await server.send(
            b"HTTP/1.1 302 Found\r\nServer: old\r\nLocation: /v2/login\r\n"
            b"Set-Cookie: s=1; Path=/v2\r\nContent-Length: 0\r\n\r\n"
        )
        head = await client.read_head()
    assert value(head, b"location") == [b"/api/login"]
    assert value(head, b"set-cookie") == [b"s=1; Path=/api"]
    assert (value(head, b"server"), value(head, b"x-served")) == ([], [b"yes-please"])


async def test_host_of_the_endpoint_and_locations_that_name_it(run, upstream):
    gateway = await run(simple(upstream, upstream_keys="host: endpoint"))
    async with client_of(gateway) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
        server = await upstream.accept()
        own = b"127.0.0.1:%d" % upstream.port
        assert value(await server.read_head(), b"host") == [own]
        await server.send(
            b"HTTP/1.1 302 Found\r\nLocation: http://" + own + b"/x\r\nContent-Length: 0\r\n\r\n"
        )
        assert value(await client.read_head(), b"location") == [b"http://shop/x"]


async def test_a_fence_holds_writes_and_lets_reads_go_on(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 0))
    gateway.install(fenced(split(upstream, new, 0, version=2)))
    async with client_of(gateway) as writer, client_of(gateway) as reader:
        await writer.send(POST)
        assert await writer.silent()
        assert gateway.cells[HELD] == 1
        assert gateway.plane.writes_in_flight() == {}
        await ask(reader, upstream, b"GET /api/x HTTP/1.1\r\nHost: h\r\n\r\n")
        gateway.install(split(upstream, new, 100, version=3))
        server = await new.accept()
        assert (await server.read_message())[1] == b"abc"
        assert gateway.plane.writes_in_flight() == {"api": 1}
        await server.send(OK)
        assert (await writer.read_message())[1] == b"ok"
        assert gateway.cells[HELD] == 0
        assert gateway.plane.writes_in_flight() == {}


async def test_held_writes_are_released_in_order_per_connection(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 0))
    gateway.install(fenced(split(upstream, new, 0, version=2)))
    async with client_of(gateway) as client:
        for number in range(3):
            await client.send(POST.replace(b"abc", b"%03d" % number))
        await asyncio.sleep(0.05)
        gateway.install(split(upstream, new, 100, version=3))
        server = await new.accept()
        for number in range(3):
            assert (await server.read_message())[1] == b"%03d" % number
            await server.send(OK)
            await client.read_message()


async def test_a_write_counts_until_its_last_byte_and_quiet_is_told(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 0))
    quiet: list[str] = []
    gateway.plane.on_quiet = quiet.append
    async with client_of(gateway) as client:
        await client.send(POST)
        server = await upstream.accept()
        await server.read_message()
        gateway.install(fenced(split(upstream, new, 0, version=2)))
        assert gateway.plane.writes_in_flight() == {"api": 1}
        await server.send(OK[:-1])
        await client.read_head()
        assert (gateway.plane.writes_in_flight(), quiet) == ({"api": 1}, [])
        await server.send(OK[-1:])
        await client.read(2)
        assert (gateway.plane.writes_in_flight(), quiet) == ({}, ["api"])


async def test_held_writes_are_bounded_in_number_and_time(run, upstream, another):
    new = await another()
    hold = "hold: {requests: 1, time: 400ms}"
    gateway = await run(split(upstream, new, 0, gateway=hold))
    gateway.install(fenced(split(upstream, new, 0, version=2, gateway=hold)))
    async with client_of(gateway) as first, client_of(gateway) as second:
        await first.send(POST)
        await asyncio.sleep(0.05)
        await second.send(POST)
        head, body = await second.read_message()
        assert (head[:12], b"hold_full" in body) == (b"HTTP/1.1 503", True)
        assert b"\r\nRetry-After: " in head
        head, body = await first.read_message()
        assert (head[:12], b"hold_timeout" in body) == (b"HTTP/1.1 503", True)
    assert upstream.connections + new.connections == 0


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_a_held_client_that_leaves_is_dropped(run, upstream, another, how):
    new = await another()
    gateway = await run(split(upstream, new, 0))
    gateway.install(fenced(split(upstream, new, 0, version=2)))
    client = await gateway.connect()
    await client.send(POST)
    await asyncio.sleep(0.05)
    assert gateway.cells[HELD] == 1
    getattr(client, how)()
    await asyncio.sleep(0.05)
    assert gateway.cells[HELD] == 0
    gateway.install(split(upstream, new, 100, version=3))
    await asyncio.sleep(0.05)
    assert new.connections == 0


async def test_a_held_upload_is_read_only_so_far_and_arrives_whole(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 0))
    gateway.install(fenced(split(upstream, new, 0, version=2)))
    body = bytes(range(256)) * 4000
    async with client_of(gateway) as client:
        sending = asyncio.ensure_future(
            client.send(
                b"PUT /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
        )
        await asyncio.sleep(0.2)
        gateway.install(split(upstream, new, 100, version=3))
        server = await new.accept()
        await server.read_head()
        assert await server.read(len(body)) == body
        await sending
        await server.send(OK)
        await client.read_message()


async def test_a_held_client_is_not_invited_to_send(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 0))
    gateway.install(fenced(split(upstream, new, 0, version=2)))
    async with client_of(gateway) as client:
        await client.send(POST[:-3].replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert await client.silent()


async def test_a_fence_closes_the_tunnels_of_its_group(run, upstream, another):
    new = await another()
    gateway = await run(split(upstream, new, 0))
    async with client_of(gateway) as client:
        await client.send(
            b"GET /api/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        )
        server = await upstream.accept()
        await server.read_head()
        await server.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        )
        await client.read_head()
        assert gateway.plane.writes_in_flight() == {"api": 1}
        gateway.install(fenced(split(upstream, new, 0, version=2)))
        assert await client.ended()
        assert await server.ended()
        assert gateway.plane.writes_in_flight() == {}


async def test_writes_of_groups_with_streams_need_the_lease(run, upstream, another):
    new = await another()
    table = replace(parse(split(upstream, new, 0)))
    table = replace(table, routes=tuple(replace(r, sync=("s",)) for r in table.routes))
    gateway = await run(split(upstream, new, 0))
    gateway.plane.install(table, gateway.series.assign(table))
    gateway.lease.holds = False
    async with client_of(gateway) as client:
        await ask(client, upstream, b"GET /api/x HTTP/1.1\r\nHost: h\r\n\r\n")
        await client.send(POST)
        head, body = await client.read_message()
        assert (head[:12], b"lease_lost" in body) == (b"HTTP/1.1 503", True)
        assert gateway.refused(Refusal.LEASE_LOST) == 1
    async with client_of(gateway) as client:
        await ask(client, upstream, POST.replace(b"/api/x", b"/else"))


async def test_a_drain_finishes_what_is_in_flight_and_closes_what_is_idle(gateway, upstream):
    async with client_of(gateway) as busy, client_of(gateway) as idle, client_of(gateway) as late:
        for client in (idle, late):
            await client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            server = upstream.wires[0] if upstream.wires else await upstream.accept()
            await answer(server)
            await client.read_message()
        await busy.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await server.read_head()
        drain = asyncio.ensure_future(gateway.plane.drain(20))
        await asyncio.sleep(0.1)
        await late.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")  # on its way when the drain began
        await answer(await upstream.accept())
        assert value(await late.read_head(), b"connection") == [b"close"]
        assert await idle.ended()
        await server.send(OK)
        head, body = await busy.read_message()
        assert (value(head, b"connection"), body) == ([b"close"], b"ok")
        async with asyncio.timeout(5):
            await drain


async def test_the_route_header_is_on_our_own_answers_too(run, upstream):
    gateway = await run(
        simple(
            upstream,
            gateway="route_header: X-Route, limits: {body: 1KiB}",
            routes="- name: gone\n  match: {path: /feed}\n  respond: {status: 410}\n",
        )
    )
    async with client_of(gateway) as client:
        await client.send(b"GET /feed HTTP/1.1\r\nHost: h\r\n\r\n")
        assert value((await client.read_message())[0], b"x-route") == [b"gone;-;v1"]
        await client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n")
        head, body = await client.read_message()
        assert value(head, b"x-route") == [b"-;-;v1"]
        (request_id,) = value(head, b"x-request-id")
        assert request_id in body
    assert gateway.logged[0][0].request_id
