"""The topics of a stream: made with its settings, and refused where they are others than pinned."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from cdc.config.model import Delivery, Stream
from cdc.kafka.settings import client, sink_error
from cdc.relay.ports import SinkError

_WITHIN = 30.0


def topics_of(stream: Stream) -> dict[str, int]:
    """Every topic of a stream, with its number of partitions."""
    prefix = stream.topics.prefix
    topics = {f"{prefix}.{table.table}": stream.topics.partitions for table in stream.tables}
    topics[f"{prefix}.dead-letters"] = 1
    if stream.delivery is Delivery.EXACTLY_ONCE:
        topics[f"{prefix}.checkpoint"] = 1
    return topics


def ensure_topics(stream: Stream) -> None:
    """Make the topics that are not there.

    Those that are there keep their settings: retention and replication are their owner's to change.
    Raises `SinkError`, a permanent one for another number of partitions.
    """
    admin = AdminClient(client(stream.kafka))
    try:
        found = admin.list_topics(timeout=_WITHIN).topics
    except KafkaException as error:
        raise sink_error(error) from error
    wanted = topics_of(stream)
    for topic, partitions in wanted.items():
        there = len(found[topic].partitions) if topic in found else partitions
        if there != partitions:
            raise SinkError(
                f"the topic {topic} has {there} partitions and the stream {stream.name} asks for"
                f" {partitions}: a key must stay in its partition, so write `partitions: {there}`"
                " or choose another `prefix`",
                temporary=False,
            )
    _create(admin, [_new(stream, topic, wanted[topic]) for topic in wanted if topic not in found])


def _new(stream: Stream, topic: str, partitions: int) -> NewTopic:
    topics = stream.topics
    config = {
        "cleanup.policy": "delete",
        "retention.ms": str(int(topics.retention * 1000)),
        "max.message.bytes": str(stream.limits.record + 4096),
    }
    if topic == f"{topics.prefix}.checkpoint":
        config = {"cleanup.policy": "compact"}
    elif topics.compact and not topic.endswith(".dead-letters"):
        config["cleanup.policy"] = "compact,delete"
    return NewTopic(topic, partitions, topics.replication, config=config)


def _create(admin: AdminClient, topics: Iterable[NewTopic]) -> None:
    new = list(topics)
    if not new:
        return
    for topic, made in admin.create_topics(new, operation_timeout=_WITHIN).items():
        try:
            made.result(_WITHIN)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise SinkError(
                    f"the topic {topic} cannot be made: {error.args[0].str()}", temporary=True
                ) from error
