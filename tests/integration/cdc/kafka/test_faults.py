"""Whatever happens to Kafka: what was settled is there, and what is lost is said.

A small relay stands for the real one: it counts, settles now and then, and starts again with a new
sink from what was settled last whenever the sink says that something is lost.
"""

from __future__ import annotations

import os
import threading

import pytest
from support.kafka import apache_kafka, delete_topic, make_topic, records, until
from support.matrix import sampled

from cdc.config.model import Delivery, Kafka, Limits
from cdc.kafka.sink import KafkaSink
from cdc.relay.ports import SinkError

WITHIN = 60.0
MODES = [Delivery.AT_LEAST_ONCE, Delivery.FENCED]


class Counting:
    """Writes 0, 1, 2 … to a topic, in a thread."""

    def __init__(self, cluster, topic, stream, delivery):
        self.cluster, self.topic, self.stream, self.delivery = cluster, topic, stream, delivery
        self.settled, self.errors = 0, []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(WITHIN)

    def _run(self):
        while not self._stop.is_set():
            kafka = Kafka(tuple(self.cluster.address.split(",")))
            sink = KafkaSink(kafka, self.stream, self.delivery, Limits())
            try:
                sink.open(5.0)
                self._count(sink)
            except SinkError as error:
                self.errors.append(error)
            finally:
                sink.close()

    def _count(self, sink):
        number = self.settled
        while not self._stop.is_set():
            for _ in range(50):
                sink.produce(self.topic, b"%d" % (number % 10), b"%d" % number, [])
                number += 1
            sink.poll()
            sink.settle(None, 5.0)
            self.settled = number


def applied(found):
    """The numbers that remain where each partition drops what is not greater than before."""
    last, kept = {}, []
    for record in found:
        number = int(record.value())
        if number > last.get(record.partition(), -1):
            last[record.partition()] = number
            kept.append(number)
    return sorted(kept)


def check(counting, address, topic):
    assert all(error.temporary for error in counting.errors)
    numbers = applied(records(address, topic))
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= counting.settled > 0


@pytest.fixture
def topic(cluster, prefix):
    return make_topic(cluster.address, f"{prefix}.orders")


@pytest.fixture(params=MODES)
def sink(cluster, prefix, request):
    sink = KafkaSink(Kafka((cluster.address,)), prefix, request.param, Limits(record=50_000))
    sink.open(WITHIN)
    yield sink
    sink.close()


def test_a_record_that_only_the_broker_refuses_is_said_to_be_lost(cluster, prefix, sink):
    topic = make_topic(cluster.address, f"{prefix}.small", 1, max_message_bytes="5000")
    sink.produce(topic, b"1", b"fits", [])
    sink.settle(None, WITHIN)
    sink.produce(topic, b"1", os.urandom(20_000), [])
    sink.produce(topic, b"1", b"after the gap", [])
    with pytest.raises(SinkError, match=topic) as caught:
        sink.settle(None, WITHIN)
    assert caught.value.temporary
    with pytest.raises(SinkError):
        sink.poll()
    with pytest.raises(SinkError):
        sink.produce(topic, b"1", b"later", [])
        sink.settle(None, WITHIN)
    sink.close()
    assert [record.value() for record in records(cluster.address, topic)] == [b"fits"]


def test_poll_tells_of_a_lost_record_too(cluster, prefix, sink):
    topic = make_topic(cluster.address, f"{prefix}.small", 1, max_message_bytes="5000")
    sink.produce(topic, b"1", os.urandom(20_000), [])

    def told():
        try:
            sink.poll()
        except SinkError:
            return True
        return False

    until(told, "the error")


def test_records_of_a_topic_that_was_deleted_are_said_to_be_lost(cluster, topic, sink):
    sink.produce(topic, b"1", b"", [])
    sink.settle(None, WITHIN)
    delete_topic(cluster.address, topic)
    with pytest.raises(SinkError) as caught:
        sink.produce(topic, b"1", b"", [])
        sink.settle(None, 3.0)
    assert caught.value.temporary


@pytest.mark.parametrize("delivery", MODES)
def test_a_full_queue_is_waited_for_but_not_for_ever(cluster, topic, prefix, delivery, monkeypatch):
    monkeypatch.setattr("cdc.kafka.sink.ROOM_WITHIN", 1.0)
    sink = KafkaSink(Kafka((cluster.address,)), prefix, delivery, Limits(memory=64 * 1024))
    sink.open(WITHIN)
    sink.produce(topic, b"1", b"", [])
    sink.settle(None, WITHIN)
    cluster.freeze(1)
    try:
        with pytest.raises(SinkError, match="full queue") as caught:
            for _ in range(1000):
                sink.produce(topic, b"1", os.urandom(1000), [])
        assert caught.value.temporary
    finally:
        cluster.thaw(1)
        sink.close()


@pytest.mark.parametrize("delivery", MODES)
def test_a_broker_that_is_killed_and_comes_back(cluster, topic, prefix, delivery):
    with Counting(cluster, topic, prefix, delivery) as counting:
        until(lambda: counting.settled > 1000, "the first thousand")
        cluster.kill(1)
        settled = counting.settled
        cluster.start(1)
        until(lambda: counting.settled > settled + 1000, "another thousand", WITHIN)
    check(counting, cluster.address, topic)


@pytest.mark.parametrize("delivery", MODES)
def test_a_broker_that_stands_still(cluster, topic, prefix, delivery):
    with Counting(cluster, topic, prefix, delivery) as counting:
        until(lambda: counting.settled > 1000, "the first thousand")
        cluster.freeze(1)
        until(lambda: counting.errors, "the sink to give up", WITHIN)
        settled = counting.settled
        cluster.thaw(1)
        until(lambda: counting.settled > settled + 1000, "another thousand", WITHIN)
    check(counting, cluster.address, topic)


@pytest.mark.parametrize("delivery", sampled(MODES, Delivery.AT_LEAST_ONCE))
def test_the_leader_of_three_is_killed(prefix, delivery):
    with apache_kafka(nodes=3) as cluster:
        topic = make_topic(cluster.address, f"{prefix}.orders", 4, replicas=3)
        with Counting(cluster, topic, prefix, delivery) as counting:
            until(lambda: counting.settled > 1000, "the first thousand")
            cluster.kill(1)
            settled = counting.settled
            until(lambda: counting.settled > settled + 1000, "another thousand", WITHIN)
            cluster.start(1)
            settled = counting.settled
            until(lambda: counting.settled > settled + 1000, "another thousand", WITHIN)
        check(counting, cluster.address, topic)
