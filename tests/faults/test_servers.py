"""Servers that go away and come back: the database, the broker, a partition's leader."""

import signal

import pytest
from support.arriving import assert_arrived
from support.databases import logical_postgres
from support.kafka import apache_kafka
from support.matrix import sampled
from support.pipes import until
from support.writers import Mix, writing

from cdc.config.model import Delivery


@pytest.fixture(scope="module")
def cluster():
    """A server that is this module's alone, as it is killed."""
    with logical_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def kafka():
    """One node that is this module's alone, likewise."""
    with apache_kafka() as one:
        yield one


@pytest.fixture(scope="module")
def three():
    """Three nodes, of which one may be away."""
    with apache_kafka(3) as nodes:
        yield nodes


def assert_survives(shop, writer, *happens):
    """The stream goes on while these things happen to its servers, one after the other."""
    name = shop.stream.name
    with shop.process("run", name) as relay, shop.process("apply", name) as applier:
        shop.awaited(lambda _: True, "the first record")
        for happen in happens:
            start = writer.commits
            until(lambda n=start: writer.commits > n + 25, "some transactions")
            happen()
        with writer.resting():
            return assert_arrived(shop, 120, relay=relay, applier=applier)


def test_a_database_that_crashes_loses_nothing(pipe, broker, cluster):
    def immediate():
        cluster.stop(signal.SIGQUIT)
        cluster.start()

    def killed():
        cluster.kill()
        cluster.start()

    def fast():
        cluster.stop()
        cluster.start()

    shop = pipe(broker)
    with writing(shop.stream.source, Mix(seed=41)) as writer:
        assert_survives(shop, writer, immediate, killed, fast)
    assert writer.reconnects


@pytest.mark.parametrize("delivery", sampled(Delivery, Delivery.EXACTLY_ONCE))
def test_a_broker_that_restarts_from_its_disk_loses_nothing(pipe, kafka, delivery):
    def stopped():
        kafka.stop(1)
        kafka.start(1)

    def killed():
        kafka.kill(1)
        kafka.start(1)

    shop = pipe(kafka.address, delivery=delivery)
    with writing(shop.stream.source, Mix(seed=42)) as writer:
        assert_survives(shop, writer, stopped, killed)


@pytest.mark.parametrize("delivery", sampled(Delivery, Delivery.FENCED))
def test_a_leader_that_dies_loses_nothing(pipe, three, delivery):
    shop = pipe(three.address, delivery=delivery, replication=3)

    def leader_dies():
        number = three.leader(f"{shop.stream.topics.prefix}.review", 0)
        three.kill(number)
        three.wait_for(2)
        dead.append(number)

    def comes_back():
        three.start(dead.pop())

    dead = []
    with writing(shop.stream.source, Mix(seed=43)) as writer:
        assert_survives(shop, writer, leader_dies, comes_back, leader_dies, comes_back)
