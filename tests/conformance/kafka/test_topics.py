"""The topics of a stream on every broker: made as told, refused with a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from confluent_kafka import KafkaException, Producer
from support.kafka import make_topic, records, topic_config

from cdc.config.model import Delivery, Kafka, Limits, Stream, TableSync, Topics
from cdc.kafka.reader import Reader
from cdc.kafka.topics import batch_of, ensure_topics
from cdc.relay.ports import SinkError


@pytest.fixture
def stream(address, prefix):
    return Stream(
        name=prefix,
        source="",
        tables=(TableSync("orders", "orders"), TableSync("sales.lines", "lines")),
        topics=Topics(prefix, partitions=3, retention=3600.0),
        kafka=Kafka((address,)),
    )


@pytest.fixture
def partitions(address):
    reader = Reader(Kafka((address,)))
    yield reader.partitions
    reader.close()


def test_what_is_missing_is_made(stream, prefix, partitions):
    ensure_topics(stream)
    assert partitions(f"{prefix}.orders") == 3
    assert partitions(f"{prefix}.sales.lines") == 3
    assert partitions(f"{prefix}.dead-letters") == 3
    assert partitions(f"{prefix}.checkpoint") == 0
    ensure_topics(stream)
    ensure_topics(stream, f"{prefix}.event")
    assert partitions(f"{prefix}.event") == 3


def test_the_settings_are_the_streams(address, stream, prefix, faithful):
    ensure_topics(replace(stream, limits=Limits(record=3_000_000)))
    config = topic_config(address, f"{prefix}.orders")
    assert config["cleanup.policy"] == "delete"
    assert config["retention.ms"] == "3600000"
    assert config["max.message.bytes"] == str(batch_of(3_000_000))


def test_compaction_is_for_the_tables_only(address, stream, prefix, faithful):
    ensure_topics(replace(stream, topics=replace(stream.topics, compact=True)))
    assert topic_config(address, f"{prefix}.orders")["cleanup.policy"] == "compact,delete"
    assert topic_config(address, f"{prefix}.dead-letters")["cleanup.policy"] == "delete"


def test_another_number_of_partitions_is_refused(address, stream, prefix):
    make_topic(address, f"{prefix}.orders", 5)
    with pytest.raises(SinkError, match=r"orders has 5 partitions instead of 3") as caught:
        ensure_topics(stream)
    assert "partitions: 5" in str(caught.value)
    assert not caught.value.temporary


def test_a_compacted_topic_is_refused_where_none_was_asked_for(address, stream, prefix, faithful):
    make_topic(address, f"{prefix}.orders", 3, cleanup_policy="compact")
    with pytest.raises(SinkError, match=r"cleanup\.policy=compact instead of delete"):
        ensure_topics(stream)


def test_a_topic_that_takes_less_than_the_stream_sends_is_refused(
    address, stream, prefix, faithful
):
    make_topic(address, f"{prefix}.orders", 3, max_message_bytes="5000")
    with pytest.raises(SinkError, match=r"max\.message\.bytes=5000"):
        ensure_topics(stream)


def test_more_replicas_than_brokers_are_refused(stream, faithful):
    with pytest.raises(SinkError, match="cannot have 7 replicas"):
        ensure_topics(replace(stream, topics=replace(stream.topics, replication=7)))


def test_exactly_once_where_it_holds(address, stream, prefix, partitions, faithful):
    ensure_topics(replace(stream, delivery=Delivery.EXACTLY_ONCE))
    assert partitions(f"{prefix}.checkpoint") == 1
    assert topic_config(address, f"{prefix}.checkpoint")["cleanup.policy"] == "compact"
    assert not records(address, f"{prefix}.checkpoint")
    assert len(records(address, f"{prefix}.checkpoint", committed=False)) == 1


def test_exactly_once_is_found_out_behind_a_transaction_that_a_killed_relay_left_open(
    address, stream, prefix, faithful
):
    exactly = replace(stream, delivery=Delivery.EXACTLY_ONCE)
    ensure_topics(exactly)
    killed = Producer({"bootstrap.servers": address, "transactional.id": prefix})
    killed.init_transactions(30)
    killed.begin_transaction()
    killed.produce(f"{prefix}.checkpoint", b"{}", prefix.encode(), 0)
    killed.flush(30)
    ensure_topics(exactly)
    assert len(records(address, f"{prefix}.checkpoint", committed=False)) == 3
    with pytest.raises(KafkaException):
        killed.commit_transaction(30)
    assert not records(address, f"{prefix}.checkpoint")


def test_exactly_once_is_refused_where_aborted_records_show(address, stream, leaking):
    with pytest.raises(SinkError, match="shows aborted records") as caught:
        ensure_topics(replace(stream, delivery=Delivery.EXACTLY_ONCE))
    assert address in str(caught.value)
    assert not caught.value.temporary


def test_a_broker_that_is_not_there_may_come(stream, monkeypatch):
    monkeypatch.setattr("cdc.kafka.topics.WITHIN", 0.5)
    with pytest.raises(SinkError, match=r"127\.0\.0\.1:1\b") as caught:
        ensure_topics(replace(stream, kafka=Kafka(("127.0.0.1:1",))))
    assert caught.value.temporary
