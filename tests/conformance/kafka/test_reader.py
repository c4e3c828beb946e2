"""What the applier may expect of the reader, on every broker."""

from __future__ import annotations

import pytest
from support.kafka import delete_records, make_topic, until

from cdc.config.model import Delivery, Kafka, Limits
from cdc.kafka.errors import ReaderError
from cdc.kafka.lookup import last_checkpoint
from cdc.kafka.reader import Reader
from cdc.kafka.sink import KafkaSink

WITHIN = 30.0
HEADERS = [("id", b"1/0000000000000001/0")]


@pytest.fixture
def topic(address, prefix):
    return make_topic(address, f"{prefix}.orders", 2)


@pytest.fixture
def write(address, prefix):
    """Writes numbered records into a partition and settles them."""
    sink = KafkaSink(Kafka((address,)), prefix, Delivery.AT_LEAST_ONCE, Limits())
    sink.open(WITHIN)

    def write(topic, numbers, partition=0):
        for number in numbers:
            sink.produce(topic, b"%d" % number, b"value %d" % number, HEADERS, partition)
        sink.settle(None, WITHIN)

    yield write
    sink.close()


@pytest.fixture
def reader(address):
    reader = Reader(Kafka((address,)))
    yield reader
    reader.close()


def collect(reader, count, at_once=1000):
    """So many records, by as many polls as it takes."""
    found = []
    until(
        lambda: found.extend(reader.poll(at_once, 1.0)) or len(found) >= count, f"{count} records"
    )
    return found


def test_a_record_is_what_was_written(topic, write, reader):
    write(topic, [7], 1)
    reader.assign({(topic, 1): None})
    (record,) = collect(reader, 1)
    assert (record.topic, record.partition, record.offset) == (topic, 1, 0)
    assert (record.key, record.value, record.headers) == (b"7", b"value 7", HEADERS)


def test_reading_begins_where_it_is_told_to(topic, write, reader):
    write(topic, range(10), 0)
    write(topic, range(10), 1)
    reader.assign({(topic, 0): 4, (topic, 1): None})
    found = collect(reader, 16)
    assert [record.offset for record in found if record.partition == 0] == list(range(4, 10))
    assert [record.offset for record in found if record.partition == 1] == list(range(10))


def test_only_what_is_assigned_now_is_read(topic, write, reader):
    write(topic, range(5), 0)
    write(topic, range(5), 1)
    reader.assign({(topic, 0): None, (topic, 1): None})
    collect(reader, 10)
    reader.assign({(topic, 1): 3})
    assert [(record.partition, record.offset) for record in collect(reader, 2)] == [(1, 3), (1, 4)]
    reader.assign({})
    write(topic, [5], 1)
    assert not reader.poll(10, 0.2)


def test_no_more_than_asked_for_and_nothing_lost(topic, write, reader):
    write(topic, range(100))
    reader.assign({(topic, 0): 0})
    found = []
    until(lambda: found.extend(few := reader.poll(7, 1.0)) or not few, "the end")
    assert [record.offset for record in found] == list(range(100))


def test_an_empty_topic_gives_nothing(topic, reader):
    reader.assign({(topic, 0): None})
    assert list(reader.poll(10, 0.1)) == []
    assert list(reader.poll(10, 0.0)) == []


def test_a_key_and_a_value_may_be_missing(address, prefix, topic, reader):
    sink = KafkaSink(Kafka((address,)), prefix, Delivery.FENCED, Limits())
    sink.open(WITHIN)
    sink.produce(topic, None, None, [], 0)
    sink.settle(None, WITHIN)
    sink.close()
    reader.assign({(topic, 0): None})
    (record,) = collect(reader, 1)
    assert (record.key, record.value, list(record.headers)) == (None, None, [])


def test_a_paused_partition_is_silent_until_it_goes_on(topic, write, reader):
    write(topic, range(10), 0)
    reader.assign({(topic, 0): 0, (topic, 1): 0})
    found = collect(reader, 3, at_once=3)
    reader.pause([(topic, 0)])
    write(topic, [1], 1)
    assert {record.partition for record in collect(reader, 1)} == {1}
    reader.resume([(topic, 0)])
    found += collect(reader, 7)
    assert [record.offset for record in found] == list(range(10))


def test_watermarks_and_partitions(topic, write, reader):
    assert reader.watermarks((topic, 0)) == (0, 0)
    write(topic, range(3))
    assert reader.watermarks((topic, 0)) == (0, 3)
    assert reader.partitions(topic) == 2
    assert reader.partitions(f"{topic}.other") == 0


def test_what_is_not_there_is_an_error(topic, reader):
    with pytest.raises(ReaderError) as caught:
        reader.watermarks((f"{topic}.other", 0))
    assert caught.value.temporary


def test_an_offset_beyond_the_end_is_an_error(topic, write, reader, faithful):
    write(topic, range(3))
    reader.assign({(topic, 0): 100})
    with pytest.raises(ReaderError, match=f"{topic}/0") as caught:
        collect(reader, 1)
    assert caught.value.gone


def test_what_was_deleted_is_an_error(address, topic, write, reader, faithful):
    write(topic, range(10))
    delete_records(address, topic, 0, 5)
    reader.assign({(topic, 0): 2})
    with pytest.raises(ReaderError, match=f"{topic}/0") as caught:
        collect(reader, 1)
    assert caught.value.gone
    assert reader.watermarks((topic, 0)) == (5, 10)
    reader.assign({(topic, 0): 5})
    assert [record.offset for record in collect(reader, 5)] == [5, 6, 7, 8, 9]


def test_the_last_checkpoint_is_what_was_committed_last(address, prefix):
    kafka = Kafka((address,))
    topic = make_topic(address, f"{prefix}.checkpoint", 1)
    assert last_checkpoint(kafka, topic) is None
    sink = KafkaSink(kafka, prefix, Delivery.EXACTLY_ONCE, Limits(), topic)
    sink.open(WITHIN)
    for number in range(40):
        sink.settle(b"%d" % number, WITHIN)
    assert last_checkpoint(kafka, topic) == b"39"
    sink.close()


def test_an_aborted_checkpoint_is_none(address, prefix, faithful):
    kafka = Kafka((address,))
    topic = make_topic(address, f"{prefix}.checkpoint", 1)
    for number in range(30):
        sink = KafkaSink(kafka, prefix, Delivery.EXACTLY_ONCE, Limits(), topic)
        sink.open(WITHIN)
        if number == 0:
            sink.settle(b"committed", WITHIN)
        sink.produce(topic, prefix.encode(), b"aborted", [], 0)
        until(lambda sink=sink: sink.poll() or not sink.queued, "the record in the log")
        sink.close()
    assert last_checkpoint(kafka, topic) == b"committed"


def test_closing_twice_is_no_error(reader):
    reader.close()
    reader.close()


def test_open_and_aborted_records_are_left_out(address, prefix, topic, faithful):
    sink = KafkaSink(Kafka((address,)), prefix, Delivery.FENCED, Limits())
    sink.open(WITHIN)
    sink.produce(topic, b"1", b"never", [], 0)
    reader, all_reader = Reader(Kafka((address,))), Reader(Kafka((address,)), committed_only=False)
    try:
        for each in (reader, all_reader):
            each.assign({(topic, 0): None})
        assert [record.value for record in collect(all_reader, 1)] == [b"never"]
        assert not reader.poll(10, 0.2)
        sink.close()
        sink = KafkaSink(Kafka((address,)), prefix, Delivery.FENCED, Limits())
        sink.open(WITHIN)
        sink.produce(topic, b"1", b"for good", [], 0)
        sink.settle(None, WITHIN)
        assert [record.value for record in collect(reader, 1)] == [b"for good"]
    finally:
        for each in (sink, reader, all_reader):
            each.close()
