"""Endpoints: how they are named, and in which order their addresses are tried."""

import asyncio

import pytest
from support.wire import Gateway, RawUpstream, parse, simple

from strangler.config.model import Endpoint
from strangler.proxy.pool import authority


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        (Endpoint(host="a.test", port=80, tls=False), b"a.test"),
        (Endpoint(host="a.test", port=443, tls=False), b"a.test:443"),
        (Endpoint(host="a.test", port=443, tls=True), b"a.test"),
        (Endpoint(host="::1", port=8000, tls=False), b"[::1]:8000"),
    ],
)
def test_authority_leaves_out_the_port_of_the_scheme(endpoint, host):
    assert authority(endpoint) == host


async def test_every_address_of_a_name_is_tried():
    """A name may stand for an address where nobody listens (`localhost` and ::1, say)."""
    upstream = RawUpstream()
    await upstream.start()
    gateway = Gateway(parse(simple(upstream).replace("127.0.0.1", "localhost")))
    (pool,) = gateway.plane._pools["legacy"].endpoints
    for _ in range(4):
        pool.resolved(("127.0.0.9", "127.0.0.1"))
        connection = await pool._connect()
        assert connection.peer == "127.0.0.1"
        connection.pool.open += 1
        connection.close()
    gateway.plane.close()
    await upstream.stop()
    await asyncio.sleep(0.01)
