"""What the relay may expect of the sink, on every broker and in each of its modes."""

from __future__ import annotations

import os

import pytest
from support.kafka import make_topic, records, until

from cdc.config.model import Delivery, Kafka, Limits
from cdc.kafka.sink import KafkaSink
from cdc.kafka.topics import batch_of
from cdc.murmur2 import partition_of
from cdc.relay.ports import SinkError, TooLargeError

WITHIN = 30.0
LIMITS = Limits()
HEADERS = [("id", b"1/0000000000000001/0"), ("epoch", b"3")]


@pytest.fixture
def topic(address, prefix):
    return make_topic(address, f"{prefix}.orders")


@pytest.fixture
def checkpoints(address, prefix):
    return make_topic(address, f"{prefix}.checkpoint", 1)


@pytest.fixture
def make(address, prefix, checkpoints):
    """Makes sinks of one stream, opened; all are closed at the end."""
    made = []

    def make(delivery, limits=LIMITS, make_topic=None):
        kept = checkpoints if delivery is Delivery.EXACTLY_ONCE else None
        sink = KafkaSink(Kafka((address,)), prefix, delivery, limits, kept, make_topic)
        made.append(sink)
        sink.open(WITHIN)
        return sink

    yield make
    for sink in made:
        sink.close()


@pytest.fixture(params=list(Delivery))
def sink(make, request):
    return make(request.param)


def test_what_was_settled_is_there(address, topic, sink):
    sink.produce(topic, b'{"id":1}', b"one", HEADERS)
    sink.produce(topic, b'{"id":1}', None, tuple(HEADERS))
    sink.settle(None, WITHIN)
    first, second = records(address, topic)
    assert (first.key(), first.value(), first.headers()) == (b'{"id":1}', b"one", HEADERS)
    assert (second.value(), second.headers()) == (None, HEADERS)


def test_the_records_of_a_key_stay_in_order(address, topic, sink):
    for number in range(2000):
        sink.produce(topic, b"%d" % (number % 7), b"%d" % number, [])
        if number % 500 == 499:
            sink.settle(None, WITHIN)
    found = records(address, topic)
    assert len(found) == 2000
    for key in {record.key() for record in found}:
        numbers = [int(record.value()) for record in found if record.key() == key]
        assert numbers == sorted(numbers)


def test_a_key_goes_where_the_java_clients_send_it(address, topic, sink):
    for number in range(200):
        sink.produce(topic, b'{"id":%d}' % number, b"", [])
    sink.produce(topic, b"", b"the empty key", [])
    sink.settle(None, WITHIN)
    for record in records(address, topic):
        assert record.partition() == partition_of(record.key() or b"", 4)


def test_a_partition_can_be_named(address, topic, sink):
    for number in range(4):
        sink.produce(topic, b"marker", b"", [], number)
    sink.settle(None, WITHIN)
    assert [record.partition() for record in records(address, topic)] == [0, 1, 2, 3]


def test_settling_nothing_is_allowed(address, topic, sink):
    sink.settle(None, WITHIN)
    sink.poll()
    sink.produce(topic, b"1", b"", [])
    sink.settle(None, WITHIN)
    sink.settle(None, WITHIN)
    assert len(records(address, topic)) == 1


@pytest.mark.parametrize("delivery", list(Delivery))
def test_a_record_that_is_too_large_is_refused_alone(address, topic, make, delivery):
    sink = make(delivery, Limits(record=10_000))
    sink.produce(topic, b"1", b"before", [])
    with pytest.raises(TooLargeError, match="10000"):
        sink.produce(topic, b"2", b"x" * 10_000, [])
    with pytest.raises(TooLargeError):
        sink.produce(topic, b"2", b"", [("reason", b"x" * 10_000)])
    sink.produce(topic, b"1", b"after", [])
    sink.settle(None, WITHIN)
    assert [record.value() for record in records(address, topic)] == [b"before", b"after"]


@pytest.mark.parametrize("limit", [10_000, 1_000_000])
def test_what_the_sink_takes_the_topic_takes_too(address, prefix, make, limit):
    largest = str(batch_of(limit))
    topic = make_topic(address, f"{prefix}.large", 1, max_message_bytes=largest)
    sink = make(Delivery.FENCED, Limits(record=limit))
    taken = 0
    with pytest.raises(TooLargeError):
        for size in range(limit - 500, limit, 10):
            sink.produce(topic, b"1", os.urandom(size), HEADERS)
            taken += 1
    sink.settle(None, WITHIN)
    assert len(records(address, topic)) == taken > 0


@pytest.mark.parametrize("delivery", list(Delivery))
def test_a_full_queue_is_waited_for(address, topic, make, delivery):
    sink = make(delivery, Limits(memory=256 * 1024))
    for number in range(3000):
        sink.produce(topic, b"%d" % number, b"x" * 1000, [])
    sink.settle(None, WITHIN)
    assert len(records(address, topic)) == 3000


@pytest.mark.parametrize("delivery", [Delivery.FENCED, Delivery.EXACTLY_ONCE])
def test_a_sink_that_was_replaced_delivers_nothing_more(address, topic, make, delivery):
    zombie = make(delivery)
    zombie.produce(topic, b"1", b"settled", [])
    zombie.settle(None, WITHIN)
    make(delivery)
    with pytest.raises(SinkError) as caught:
        zombie.produce(topic, b"1", b"too late", [])
        zombie.settle(None, WITHIN)
    assert caught.value.fenced
    assert not caught.value.temporary
    with pytest.raises(SinkError):
        zombie.produce(topic, b"1", b"even later", [])
    with pytest.raises(SinkError):
        zombie.settle(None, WITHIN)
    assert [record.value() for record in records(address, topic)] == [b"settled"]


@pytest.mark.parametrize("delivery", [Delivery.FENCED, Delivery.EXACTLY_ONCE])
def test_what_a_replaced_sink_left_unsettled_is_undone(address, topic, make, delivery, faithful):
    zombie = make(delivery)
    zombie.produce(topic, b"1", b"settled", [])
    zombie.settle(None, WITHIN)
    zombie.produce(topic, b"1", b"unsettled", [])
    until(lambda: zombie.poll() or not zombie.queued, "the record in the log")
    sink = make(delivery)
    sink.produce(topic, b"1", b"by the new one", [])
    sink.settle(None, WITHIN)
    with pytest.raises(SinkError) as caught:
        zombie.settle(None, WITHIN)
    assert caught.value.fenced
    values = [record.value() for record in records(address, topic)]
    assert values == [b"settled", b"by the new one"]


def test_the_checkpoint_is_in_the_transaction(address, topic, checkpoints, make):
    sink = make(Delivery.EXACTLY_ONCE)
    sink.produce(topic, b"1", b"", [])
    sink.settle(b"first", WITHIN)
    sink.settle(b"second", WITHIN)
    assert [record.value() for record in records(address, checkpoints)] == [b"first", b"second"]


def test_a_checkpoint_that_is_too_large_stops_the_relay(topic, make):
    sink = make(Delivery.EXACTLY_ONCE, Limits(record=10_000))
    sink.produce(topic, b"1", b"", [])
    with pytest.raises(SinkError, match="checkpoint") as caught:
        sink.settle(b"x" * 20_000, WITHIN)
    assert not caught.value.temporary


def test_without_exactly_once_the_checkpoint_is_not_kafkas(address, topic, checkpoints, make):
    sink = make(Delivery.FENCED)
    sink.produce(topic, b"1", b"", [])
    sink.settle(b"elsewhere", WITHIN)
    assert not records(address, checkpoints)


def test_a_topic_that_is_missing_is_made_before_its_first_record(address, prefix, make):
    made = []
    sink = make(Delivery.FENCED, make_topic=lambda name: made.append(make_topic(address, name)))
    for _ in range(2):
        sink.produce(f"{prefix}.event", b"1", b"", [])
    sink.settle(None, WITHIN)
    assert made == [f"{prefix}.event"]
    assert len(records(address, f"{prefix}.event")) == 2


def test_a_topic_that_is_missing_is_named(sink):
    with pytest.raises(SinkError, match="no topic nowhere") as caught:
        sink.produce("nowhere", b"1", b"", [])
    assert caught.value.temporary
    with pytest.raises(SinkError):
        sink.settle(None, WITHIN)


def test_a_closed_sink_takes_nothing(topic, sink):
    sink.close()
    with pytest.raises(SinkError):
        sink.produce(topic, b"1", b"", [])
    with pytest.raises(SinkError):
        sink.settle(None, WITHIN)
    sink.close()


def test_a_broker_that_is_not_there_is_named():
    sink = KafkaSink(Kafka(("127.0.0.1:1",)), "orders", Delivery.FENCED, Limits())
    with pytest.raises(SinkError, match=r"127\.0\.0\.1:1") as caught:
        sink.open(0.5)
    assert caught.value.temporary
    sink.close()
