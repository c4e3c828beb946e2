"""The topics of a stream: made where they are missing, refused where they cannot be right."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stubs forget to export them
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
    TopicDescription,
)

from cdc.config.model import Delivery, Limits, Stream
from cdc.config.names import command
from cdc.kafka.client import brokers, made, settings
from cdc.kafka.describe import describe
from cdc.kafka.errors import sink_error
from cdc.kafka.probe import refuse_leaks
from cdc.relay.ports import SinkError

WITHIN: Final = 30.0
"""Seconds for one request."""
_SEGMENT: Final = 16 * 1024 * 1024
"""Bytes of a checkpoint topic's segment: only full ones are compacted."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic as it should be."""

    name: str
    partitions: int
    config: Mapping[str, str]


_LOST: Final = (
    "Kafka has none of the topics {prefix}.… that were filled before: it has lost them, or is"
    " another one. Fill them anew (`{run}`), let the applier begin"
    " with them (`{apply}`), then `{verify}`"
)


def _lost(stream: Stream) -> str:
    return _LOST.format(
        prefix=stream.topics.prefix, run=command("run", stream, "--resnapshot"),
        apply=command("apply", stream, "--restart"), verify=command("verify", stream),
    )  # fmt: skip


def ensure_topics(stream: Stream, *events: str, filled: bool = False) -> None:
    """Make the stream's missing topics, and those of `events` (of its outbox), then check all.

    `filled` says that they were filled before: a Kafka that has none of them has lost them.
    Raises a permanent `SinkError` that says everything that is wrong with those that are there,
    and where exactly once is wanted of a broker that shows aborted records.
    """
    said: list[KafkaError] = []
    wanted = {each.name: each for each in wanted_topics(stream, *events)}
    given = settings(stream.kafka, said.append) | {"allow.auto.create.topics": False}
    try:
        admin = made(AdminClient, stream.kafka, given)
        found = describe(admin, wanted, lambda: said[-1] if said else None, WITHIN)
        problems = [
            problem
            for name, topic in found.items()
            for problem in _problems(wanted[name], topic, _config(admin, name), stream.limits)
        ]
        if filled and not found:
            problems = [_lost(stream)]
        if problems:
            raise SinkError("\n".join(problems), temporary=False)
        _create(admin, [each for each in wanted.values() if each.name not in found], stream)
    except KafkaException as error:
        reason = error.args[0]
        if said and reason.code() < 0:  # the library's, not the broker's
            reason = said[-1]  # why there is no connection says more than that there is none
        what = f"the topics of the stream {stream.name} cannot be made"
        raise sink_error(
            f"{what} on Kafka ({brokers(stream.kafka)})", reason, stream.name
        ) from None
    if stream.delivery is Delivery.EXACTLY_ONCE and not events:
        refuse_leaks(stream.kafka, stream.name, f"{stream.topics.prefix}.checkpoint")


def wanted_topics(stream: Stream, *events: str) -> Iterator[Wanted]:
    """The stream's topics as docs/formats.md has them."""
    topics, prefix = stream.topics, stream.topics.prefix
    largest = {"max.message.bytes": str(max(_KAFKAS_OWN, batch_of(stream.limits.record)))}
    kept = {**largest, "retention.ms": str(int(topics.retention * 1000))}
    plain = {**kept, "cleanup.policy": "delete"}
    policy = "compact,delete" if topics.compact else "delete"
    for table in stream.tables:
        name = f"{prefix}.{table.table}"
        yield Wanted(name, topics.partitions, {**kept, "cleanup.policy": policy})
    for name in (f"{prefix}.dead-letters", *events):
        yield Wanted(name, topics.partitions, plain)
    if stream.delivery is Delivery.EXACTLY_ONCE:
        compacted = {"cleanup.policy": "compact", "segment.bytes": str(_SEGMENT)}
        yield Wanted(f"{prefix}.checkpoint", 1, {**largest, **compacted})


_KAFKAS_OWN: Final = 1_048_588
"""The broker's default of max.message.bytes."""


def batch_of(record: int) -> int:
    """Bytes of a batch that holds one record of this size which does not compress.

    A topic's max.message.bytes is for that; the library's limit leaves its frame out.
    """
    return record + record // 500 + 1024


def _create(admin: AdminClient, missing: list[Wanted], stream: Stream) -> None:
    if not missing:
        return
    copies = stream.topics.replication
    topics = [
        NewTopic(each.name, each.partitions, copies, config=dict(each.config)) for each in missing
    ]
    answers: dict[str, Future[None]] = admin.create_topics(
        topics, operation_timeout=WITHIN, request_timeout=WITHIN
    )
    for name, answer in answers.items():
        try:
            answer.result(2 * WITHIN)
        except KafkaException as error:
            reason = error.args[0]
            if reason.code() == KafkaError.INVALID_REPLICATION_FACTOR:
                # A broker that has just started is known before anything may be kept on it.
                enough = len(admin.list_topics(timeout=WITHIN).brokers) >= copies
                raise SinkError(
                    f"the topic {name} cannot have {copies} replicas: there are fewer brokers;"
                    " write another `replication:` under `topics:`",
                    temporary=enough,
                ) from error
            if reason.code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another process was faster
                raise
    _wait_for(admin, {each.name for each in missing})


def _wait_for(admin: AdminClient, made: set[str]) -> None:
    """A topic is made before every broker knows it."""
    deadline = time.monotonic() + WITHIN
    while missing := made - describe(admin, made, lambda: None, WITHIN).keys():
        if time.monotonic() >= deadline:
            names = ", ".join(sorted(missing))
            raise SinkError(f"Kafka made the topics {names} and does not know them", temporary=True)
        time.sleep(0.02)


def _config(admin: AdminClient, name: str) -> Mapping[str, Any]:
    """A topic's settings; none where the user may not see them."""
    resource = ConfigResource(ResourceType.TOPIC, name)
    (answer,) = admin.describe_configs([resource], request_timeout=WITHIN).values()
    try:
        return {key: entry.value for key, entry in answer.result(2 * WITHIN).items()}
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise
        return {}


def _problems(
    wanted: Wanted, topic: TopicDescription, config: Mapping[str, Any], limits: Limits
) -> Iterator[str]:
    """What would lose or reorder records, a sentence each."""
    there = len(topic.partitions)
    if there != wanted.partitions:
        remedy = (
            "delete the topic"
            if wanted.partitions == 1
            else f"write `partitions: {there}` under `topics:`, or another `prefix:`"
        )
        yield (
            f"the topic {wanted.name} has {there} partitions instead of {wanted.partitions}, and a"
            f" key must stay in its partition: {remedy}"
        )
    policy = config.get("cleanup.policy")
    if policy is not None and set(policy.split(",")) != set(
        wanted.config["cleanup.policy"].split(",")
    ):
        yield (
            f"the topic {wanted.name} has cleanup.policy={policy} instead of"
            f" {wanted.config['cleanup.policy']}: change the topic, or `compact:` under `topics:`"
        )
    largest = config.get("max.message.bytes")
    needed = batch_of(limits.record)
    if largest is not None and int(largest) < needed:
        yield (
            f"the topic {wanted.name} has max.message.bytes={largest}, too little for the stream's"
            f" limits.record ({limits.record}): raise it to {needed}, or lower the limit"
        )
