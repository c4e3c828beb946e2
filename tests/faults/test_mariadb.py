"""A MariaDB server that goes away, comes back, has lost its log, or is behind a bad network."""

from __future__ import annotations

import contextlib
import itertools
import random

import pytest
from support.arriving import assert_arrived, incarnation
from support.databases import free_port
from support.faultproxy import Mode, fault_proxy
from support.items import prepared, rows, writing
from support.mariadb import binlog_mariadb, fresh
from support.matrix import sampled
from support.pipes import Pipe, until

from cdc.config.model import Delivery, Limits

MODES = (Mode.CUT, Mode.STALL, Mode.DELAY)


class Maria:
    """A server that listens on a port, too, and keeps it when it starts again."""

    def __init__(self, server, port):
        self.server, self.port = server, port

    def __getattr__(self, name):
        return getattr(self.server, name)

    def start(self):
        self.server.start(*options(self.port))


def options(port):
    return ("--skip-networking=0", "--bind-address=127.0.0.1", f"--port={port}")


@pytest.fixture(scope="module")
def maria():
    port = free_port()
    with binlog_mariadb(*options(port)) as server:
        yield Maria(server, port)


@pytest.fixture
def pipe(tmp_path, maria):
    """Makes a stream from a filled database to an empty one of the same server, or another's."""

    def make(address, target=None, **more):
        number = random.getrandbits(40)
        source = prepared(fresh(maria, f"old{number}"), rows=60)
        target = prepared(target or fresh(maria, f"new{number}"))
        more = {"limits": Limits(chunk=10)} | more
        return Pipe(tmp_path, address, source, ("item",), target=target, **more)

    return make


def purged(maria):
    """Remove all binlogs but the newest: those of readers that have gone, too."""
    maria.run("FLUSH BINARY LOGS")
    last = maria.run("SHOW MASTER STATUS")[0][0]
    # The server keeps what a reader was reading until it notices that the reader has gone.
    until(
        lambda: len(maria.run(f"PURGE BINARY LOGS TO '{last}'", "SHOW BINARY LOGS")) == 1,
        "a log that begins later",
    )


def test_a_log_that_was_purged_stops_the_relay_until_a_new_snapshot(pipe, broker, maria):
    shop = pipe(broker)
    name = shop.stream.name
    with shop.process("run", name) as relay, shop.process("apply", name) as applier:
        assert_arrived(shop, relay=relay, applier=applier)
    database = shop.stream.source.rpartition("/")[2]
    maria.run(
        "UPDATE item SET n = 77 WHERE id < 9", "INSERT INTO item VALUES (900, 1, 'unread')",
        "DELETE FROM item WHERE id IN (3, 30)", database=database,
    )  # fmt: skip
    purged(maria)
    for _ in range(2):  # again, as whoever starts it will
        with shop.process("run", name) as relay:
            assert relay.wait(30) == 1
    said = shop.log("run")
    assert "no longer on the server (the oldest binlog is" in said
    assert "are lost" in said
    assert f"cdc run {name} --resnapshot" in said
    first = incarnation(shop)
    with (
        writing(shop.stream.source, seed=32) as writer,
        shop.process("run", name, "--resnapshot") as relay,
        shop.process("apply", name),
    ):
        until(lambda: writer.commits > 30 or relay.poll() is not None, "some transactions")
        with writer.resting():
            shop.snapshotted(first)
            told = shop.command("verify", name)
            assert told.returncode == 1, told.stdout + told.stderr
            mended = shop.command("repair", name, "--all")
            assert mended.returncode == 0, mended.stdout + mended.stderr
            equal = shop.command("verify", name)
            assert equal.returncode == 0, equal.stdout + equal.stderr
            assert rows(shop.stream.target) == rows(shop.stream.source)


@pytest.mark.parametrize("delivery", [Delivery.FENCED, Delivery.AT_LEAST_ONCE])
def test_a_server_that_stops_or_crashes_loses_nothing(pipe, broker, maria, delivery):
    def stopped():
        maria.stop()
        maria.start()

    def killed():
        maria.kill()
        maria.start()

    shop = pipe(broker, delivery=delivery)
    name = shop.stream.name
    with (
        writing(shop.stream.source, seed=44) as writer,
        shop.process("run", name) as relay,
        shop.process("apply", name) as applier,
    ):
        until(lambda: "relay_started" in shop.log("run"), "a relay")
        for happen in (killed, stopped, killed):
            start = writer.commits
            until(lambda n=start: writer.commits > n + 25, "some transactions")
            happen()
        assert writer.losses
        with writer.resting():
            assert_arrived(shop, relay=relay, applier=applier)


def through(maria, proxy, url):
    """The same database by way of the proxy."""
    return f"mysql://root@127.0.0.1:{proxy.port}/{url.rpartition('/')[2]}"


@pytest.mark.parametrize(
    ("side", "mode"),
    sampled(
        itertools.product(["source", "target"], MODES),
        ("source", Mode.STALL), ("target", Mode.CUT),
    ),
)  # fmt: skip
def test_a_disturbed_network_loses_nothing(pipe, broker, maria, mode, side):
    shop = pipe(broker)
    direct = {"source": shop.stream.source, "target": shop.stream.target}
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(fault_proxy(maria.port))
        shop.with_(**{side: through(maria, proxy, direct[side])})
        name = shop.stream.name
        writer = stack.enter_context(writing(direct["source"], seed=MODES.index(mode)))
        relay = stack.enter_context(shop.process("run", name))
        applier = stack.enter_context(shop.process("apply", name))
        until(lambda: proxy.connections, "a first connection")
        disturb(proxy, writer, mode)
        before = proxy.connections
        disturb(proxy, writer, mode)
        assert mode is not Mode.CUT or proxy.connections > before
        assert mode is not Mode.STALL or proxy.stalled
        with writer.resting():
            shop.with_(**direct)
            assert_arrived(shop, relay=relay, applier=applier)


def disturb(proxy, writer, mode):
    """Turn the mode on while the writer writes, and off again."""
    for each, commits in ((Mode.PASS, 20), (mode, 60)):
        proxy.turn(each)
        seen = writer.commits
        until(lambda n=seen + commits: writer.commits > n, "some transactions")
    proxy.turn(Mode.PASS)
