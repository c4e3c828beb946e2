"""Limits hold at their very edge, and what is refused is answered as HTTP asks."""

from __future__ import annotations

import pytest
from support.wire import answered_before, client_of, simple, value

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LIMITS = "limits: {request_line: 100, header_bytes: 1KiB, header_count: 10, body: 64}"


def of_line(size: int) -> bytes:
    around = len(b"GET / HTTP/1.1")
    return b"GET /" + b"a" * (size - around) + b" HTTP/1.1\r\nHost: h\r\n\r\n"


def of_head(size: int) -> bytes:
    around = len(b"GET / HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n")
    return b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * (size - around) + b"\r\n\r\n"


def of_count(count: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: a\r\n" * (count - 1) + b"\r\n"


def of_body(size: int) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size + b"a" * size


def of_chunks(size: int) -> bytes:
    head = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"1\r\na\r\n" * size + b"0\r\n\r\n"


EDGES = {
    "line": (of_line, 100, 414),
    "head": (of_head, 1024, 431),
    "count": (of_count, 10, 431),
    "length": (of_body, 64, 413),
    "chunks": (of_chunks, 64, 413),
}


@pytest.mark.parametrize("name", EDGES)
async def test_the_limit_itself_is_allowed(run, upstream, name):
    make, limit, _ = EDGES[name]
    gateway = await run(simple(upstream, gateway=LIMITS))
    async with client_of(gateway) as client:
        await client.send(make(limit))
        server = await upstream.accept()
        await server.read_message()
        await server.send(OK)
        assert (await client.read_message())[1] == b"ok"


@pytest.mark.parametrize("name", EDGES)
async def test_one_more_is_not(run, upstream, name):
    make, limit, status = EDGES[name]
    gateway = await run(simple(upstream, gateway=LIMITS))
    async with client_of(gateway) as client:
        await client.send(make(limit + 1))
        got = await client.read_all()
        assert got.startswith(b"HTTP/1.1 %d " % status)
        assert got.count(b"HTTP/1.1 ") == 1
    assert upstream.connections == 0


async def test_a_route_has_a_limit_of_its_own(run, upstream):
    routes = "- {name: up, match: {prefix: /up}, upstream: legacy, body_limit: 100}\n"
    gateway = await run(simple(upstream, gateway=LIMITS, routes=routes))
    async with client_of(gateway) as client:
        await client.send(of_body(100).replace(b"/ ", b"/up "))
        server = await upstream.accept()
        assert len((await server.read_message())[1]) == 100
        await server.send(OK)
        await client.read_message()
        await client.send(of_body(101).replace(b"/ ", b"/up "))
        assert (await client.read_all()).startswith(b"HTTP/1.1 413 ")


async def test_what_is_collected_has_a_limit_of_its_own(run, upstream):
    gateway = await run(
        simple(
            upstream,
            gateway="limits: {body: 1MiB, buffered_body: 64}",
            upstream_keys="request_buffering: chunked",
        )
    )
    async with client_of(gateway) as client:
        await client.send(of_chunks(65))
        assert (await client.read_all()).startswith(b"HTTP/1.1 413 ")
    async with client_of(gateway) as client:
        await client.send(of_body(65))
        assert len((await (await upstream.accept()).read_message())[1]) == 65
    assert upstream.connections == 1


async def test_an_expected_body_over_the_limit_is_not_invited(run, upstream):
    gateway = await run(simple(upstream, gateway=LIMITS))
    async with client_of(gateway) as client:
        await client.send(
            b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 65\r\n\r\n"
        )
        assert (await client.read_all()).startswith(b"HTTP/1.1 413 ")
    assert upstream.connections == 0


async def test_an_empty_chunked_body_is_collected_as_a_length_of_zero(client, upstream):
    await client.send(of_chunks(0))
    head, body = await (await upstream.accept()).read_message()
    assert (value(head, b"content-length"), body) == ([b"0"], b"")
    assert value(head, b"transfer-encoding") == []


async def test_a_refused_head_request_gets_no_body_and_goes_on(run, upstream, another):
    """RFC 9110, 9.3.2: the length of what GET would get, and not a byte of it."""
    dead = await another()
    await dead.stop()
    gateway = await run(
        simple(upstream, routes="- {name: dead, match: {prefix: /dead}, upstream: gone}\n").replace(
            "upstreams:\n",
            f"upstreams:\n  gone: {{endpoints: ['http://127.0.0.1:{dead.port}']}}\n",
        )
    )
    async with client_of(gateway) as client:
        await client.send(b"HEAD /dead HTTP/1.1\r\nHost: h\r\n\r\n" + GET)
        head = await client.read_head()
        assert head.startswith(b"HTTP/1.1 502 ")
        assert int(value(head, b"content-length")[0]) > 0
        server = await upstream.accept()
        await server.read_head()
        await server.send(OK)
        assert (await client.read_head()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [b"/a%2fb", b"/a%2Fb", b"//a", b"/a/../b", b"/a/./b", b"/a;x=1",
                                  b"/%e4%ff", b"/a%", b"/.."])  # fmt: skip
async def test_odd_paths_that_lead_to_one_place_keep_their_bytes(client, upstream, path):
    await client.send(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await (await upstream.accept()).read_head()).split(b" ")[1] == path


@pytest.mark.parametrize(
    ("target", "sent"),
    [(b"http://shop", b"/"), (b"http://shop?q=1", b"/?q=1"), (b"HTTP://SHOP:80/a", b"/a"),
     (b"http://[::1]:8080/a", b"/a"), (b"http://shop/?", b"/?")],
)  # fmt: skip
async def test_absolute_targets(client, upstream, target, sent):
    await client.send(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    head = await (await upstream.accept()).read_head()
    assert head.split(b" ")[1] == sent
    authority = target.partition(b"://")[2].partition(b"/")[0].partition(b"?")[0]
    assert value(head, b"host") == [authority]


@pytest.mark.xfail(raises=AssertionError, reason="an absolute target without a path is always /")
async def test_options_of_an_absolute_server_is_a_star(client, upstream):
    """RFC 9112, 3.2.4: an empty path and no query become `*`."""
    await client.send(b"OPTIONS http://shop:8001 HTTP/1.1\r\nHost: shop:8001\r\n\r\n")
    assert (await (await upstream.accept()).read_head()).startswith(b"OPTIONS * HTTP/1.1\r\n")


@pytest.mark.xfail(raises=AssertionError, reason="https:// is taken over plain TCP from anybody")
async def test_an_https_target_over_plain_tcp_is_refused(client, upstream):
    """RFC 9110, 7.4: such a target must be rejected unless it came over a secured connection."""
    await client.send(b"GET https://shop/ HTTP/1.1\r\nHost: shop\r\n\r\n")
    head, _ = await answered_before(client.read_message(), upstream.accept())
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 421 "))
