"""Networks that cut, stall and dawdle, between the relay and its source, its broker, its target.

The broker advertises its own address, so a proxy before it must be what it advertises.
"""

import itertools
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from support.arriving import assert_arrived
from support.databases import free_port
from support.faultproxy import Mode, fault_proxy
from support.kafka import tansu
from support.matrix import sampled
from support.pipes import until
from support.writers import Mix, writing

MODES = (Mode.CUT, Mode.STALL, Mode.DELAY)


def through(url, proxy):
    """The same database by way of the proxy."""
    return url.replace(f":{urlsplit(url).port}/", f":{proxy.port}/")


def disturb(proxy, writer, mode):
    """Turn the mode on while the writer writes, and off again."""
    start = writer.commits
    until(lambda: writer.commits > start + 20, "some transactions")
    proxy.turn(mode)
    seen = writer.commits
    until(lambda: writer.commits > seen + 60, "transactions that find the network disturbed")
    proxy.turn(Mode.PASS)


@pytest.mark.parametrize(
    ("side", "mode"),
    sampled(
        itertools.product(["source", "target", "broker"], MODES),
        ("source", Mode.CUT), ("target", Mode.STALL), ("broker", Mode.CUT), ("broker", Mode.DELAY),
    ),
)  # fmt: skip
def test_a_disturbed_network_loses_nothing(pipe, cluster, broker, mode, side):
    with ExitStack() as stack:
        proxy, address = _broker(stack) if side == "broker" else (None, broker)
        shop = pipe(address)
        source, target = shop.stream.source, shop.stream.target
        if proxy is None:
            proxy = stack.enter_context(fault_proxy(cluster.port))
            shop.with_(**{side: through(getattr(shop.stream, side), proxy)})
        writer = stack.enter_context(writing(source, Mix(seed=MODES.index(mode))))
        name = shop.stream.name
        relay = stack.enter_context(shop.process("run", name))
        applier = stack.enter_context(shop.process("apply", name))
        until(lambda: proxy.connections, "a first connection")
        disturb(proxy, writer, mode)
        before = proxy.connections
        disturb(proxy, writer, mode)
        assert mode is not Mode.CUT or proxy.connections > before
        with writer.resting():
            shop.with_(source=source, target=target)
            assert_arrived(shop, relay=relay, applier=applier)


def _broker(stack):
    """A broker which is found by way of a proxy only."""
    inner = free_port()
    proxy = stack.enter_context(fault_proxy(inner))
    address = stack.enter_context(tansu(port=inner, advertised=proxy.port))
    return proxy, address
