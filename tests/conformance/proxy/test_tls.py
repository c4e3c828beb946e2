"""TLS on both sides of a data plane."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import pytest
import trustme
from support.wire import Gateway, RawUpstream, Wire, parse, value

from strangler.proxy.counters import CONNECTIONS, UPSTREAM_CONNECTIONS, Refusal

GET = b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


class TlsUpstream(RawUpstream):
    """An upstream that speaks TLS and remembers which name it was asked for."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self.asked: list[str | None] = []
        context.sni_callback = lambda _sock, name, _context: self.asked.append(name)
        self._context = context

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", 0, limit=1 << 20, ssl=self._context
        )
        self.port = self._server.sockets[0].getsockname()[1]


@pytest.fixture
def secure(stack, upstream, authority):
    """A gateway with TLS on its listener, in front of the plain upstream; makes clients."""

    async def start():
        gateway = Gateway(
            parse(
                f"version: 1\nupstreams:\n  legacy:\n"
                f"    endpoints: ['http://127.0.0.1:{upstream.port}']\n"
                "    request_buffering: off\ndefault: legacy\n"
            )
        )
        context = server_context(authority, "shop.test")
        gateway._server = await asyncio.get_running_loop().create_server(
            gateway.plane.connection, "127.0.0.1", 0, ssl=context
        )
        port = gateway._server.sockets[0].getsockname()[1]
        stack.push_async_callback(gateway.stop)
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)

        async def connect() -> Wire:
            wire = Wire(
                *await asyncio.open_connection(
                    "127.0.0.1", port, ssl=trusting, server_hostname="shop.test", limit=1 << 20
                )
            )
            stack.push_async_callback(hang_up, wire)
            return wire

        return gateway, connect

    return start


async def hang_up(wire: Wire) -> None:
    wire.writer.transport.abort()
    with contextlib.suppress(OSError):
        await wire.writer.wait_closed()


async def settled(gateway: Gateway, cell: int) -> None:
    async with asyncio.timeout(5):
        while gateway.cells[cell]:
            await asyncio.sleep(0.01)


async def test_requests_over_tls_say_so_to_the_upstream(secure, upstream):
    _, connect = await secure()
    client = await connect()
    await client.send(GET)
    server = await upstream.accept()
    for _ in range(2):
        head = await server.read_head()
        assert value(head, b"x-forwarded-proto") == [b"https"]
        await server.send(OK)
        assert (await client.read_message())[1] == b"ok"
        await client.send(GET)


async def test_a_large_upload(secure, upstream):
    _, connect = await secure()
    client = await connect()
    body = bytes(range(256)) * 20_000
    sending = asyncio.ensure_future(
        client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    )
    server = await upstream.accept()
    assert (await server.read_message())[1] == body
    await sending
    await server.send(OK)
    await client.read_message()


async def test_a_large_download_to_a_slow_reader(secure, upstream):
    _, connect = await secure()
    client = await connect()
    body = bytes(range(256)) * 40_000
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    client.writer.transport.pause_reading()
    server.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await asyncio.sleep(0.2)
    client.writer.transport.resume_reading()
    assert (await client.read_message())[1] == body


@pytest.mark.parametrize("begun", [False, True])
async def test_a_client_that_says_goodbye_gets_no_more(secure, upstream, begun):
    """TLS has no half-close here: whoever ends its side has left."""
    gateway, connect = await secure()
    client = await connect()
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    if begun:
        await server.send(OK[:-1])
        await client.read_head()
    client.close()
    assert await server.ended()
    await settled(gateway, CONNECTIONS)
    assert gateway.refused(Refusal.CLIENT_GONE) == 1


async def test_a_client_that_is_cut_off(secure, upstream):
    gateway, connect = await secure()
    client = await connect()
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    client.abort()
    assert await server.ended()
    await settled(gateway, CONNECTIONS)


async def test_an_answer_that_is_cut_is_seen(secure, upstream):
    _, connect = await secure()
    client = await connect()
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
    await client.read_head()
    server.close()
    with contextlib.suppress(ssl.SSLError):
        assert await client.read_all() == b"ok"


async def test_a_refused_request_is_answered_and_the_connection_closed(secure):
    gateway, connect = await secure()
    client = await connect()
    await client.send(b"GET / HTTP/1.1\r\n\r\n")
    assert (await client.read_all()).startswith(b"HTTP/1.1 400 ")
    await settled(gateway, CONNECTIONS)


async def test_plain_http_on_a_tls_port_harms_nobody(secure, upstream):
    gateway, connect = await secure()
    port = gateway._server.sockets[0].getsockname()[1]
    plain = Wire(*await asyncio.open_connection("127.0.0.1", port))
    await plain.send(GET)
    await plain.read_all()
    plain.close()
    client = await connect()
    await client.send(GET)
    server = await upstream.accept()
    await server.read_head()
    await server.send(OK)
    await client.read_message()


# TLS to upstreams


@pytest.fixture
def secured_upstream(stack):
    async def start(authority: trustme.CA, *names: str) -> TlsUpstream:
        server = TlsUpstream(server_context(authority, *names))
        await server.start()
        stack.push_async_callback(server.stop)
        return server

    return start


def https(upstream: RawUpstream, tls: str, host: str = "127.0.0.1") -> str:
    return (
        f"version: 1\nupstreams:\n  legacy:\n    endpoints: ['https://{host}:{upstream.port}']\n"
        f"    tls: {{{tls}}}\n    timeouts: {{connect: 3s}}\ndefault: legacy\n"
    )


async def exchange(gateway: Gateway, upstream: RawUpstream) -> bytes:
    """The head that a client gets."""
    client = await gateway.connect()
    try:
        await client.send(GET)
        reading = asyncio.ensure_future(client.read_head())
        accepting = asyncio.ensure_future(upstream.accept())
        await asyncio.wait({reading, accepting}, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            server = accepting.result()
            await server.read_head()
            await server.send(OK)
        accepting.cancel()
        return await reading
    finally:
        client.close()


async def test_an_upstream_whose_authority_is_trusted(run, secured_upstream, authority, ca_file):
    upstream = await secured_upstream(authority, "127.0.0.1")
    gateway = await run(https(upstream, f"ca: '{ca_file}'"))
    assert (await exchange(gateway, upstream)).startswith(b"HTTP/1.1 200 ")
    assert gateway.cells[UPSTREAM_CONNECTIONS] == 1


@pytest.mark.parametrize("names", [["127.0.0.1"], ["other.test"]])
async def test_an_upstream_that_cannot_prove_who_it_is(run, secured_upstream, ca_file, names):
    """Another authority's certificate, or one for another name: not a byte of the request."""
    upstream = await secured_upstream(trustme.CA(), *names)
    gateway = await run(https(upstream, f"ca: '{ca_file}'"))
    assert (await exchange(gateway, upstream)).startswith(b"HTTP/1.1 502 ")
    assert gateway.refused(Refusal.CONNECT_FAILED) == 1
    pool = gateway.plane._pools["legacy"].endpoints[0]
    assert (pool.open, pool.in_flight) == (0, 0)


async def test_a_certificate_for_another_name(run, secured_upstream, authority, ca_file):
    upstream = await secured_upstream(authority, "other.test")
    gateway = await run(https(upstream, f"ca: '{ca_file}'"))
    assert (await exchange(gateway, upstream)).startswith(b"HTTP/1.1 502 ")


async def test_server_name_is_asked_for_and_verified(run, secured_upstream, authority, ca_file):
    upstream = await secured_upstream(authority, "other.test")
    gateway = await run(https(upstream, f"ca: '{ca_file}', server_name: other.test"))
    assert (await exchange(gateway, upstream)).startswith(b"HTTP/1.1 200 ")
    assert upstream.asked == ["other.test"]


async def test_verification_can_be_turned_off(run, secured_upstream):
    upstream = await secured_upstream(trustme.CA(), "other.test")
    gateway = await run(https(upstream, "verify: false"))
    assert (await exchange(gateway, upstream)).startswith(b"HTTP/1.1 200 ")


async def test_an_upstream_that_speaks_no_tls(run, upstream):
    gateway = await run(https(upstream, "verify: false"))

    async def talk() -> None:
        server = await upstream.accept()
        await server.read(1)
        await server.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        server.close()

    talking = asyncio.ensure_future(talk())
    client = await gateway.connect()
    await client.send(GET)
    assert (await client.read_head()).startswith(b"HTTP/1.1 502 ")
    client.close()
    await talking
