"""Short questions about a log, answered by reading a little of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from cdc.config.model import Kafka
from cdc.kafka.client import brokers, made, settings
from cdc.kafka.describe import describe
from cdc.kafka.errors import ReaderError, is_permanent, reader_error, reason_of

# ruff: noqa: SLF001 - the library names its own errors with a `_`
ASK_WITHIN: Final = 10.0
"""Seconds for one answer."""
_MOVING: Final = frozenset({KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE})
"""A partition that was just made, or is moving to another broker."""
_UNKNOWN: Final = frozenset(
    {
        KafkaError._UNKNOWN_PARTITION, KafkaError._UNKNOWN_TOPIC,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)  # fmt: skip
_AGAIN_AFTER: Final = 0.05
_FIRST_STEP, _GROWTH = 16, 16


class Lookup:
    """A consumer that is told where a log ends; used by one thread."""

    def __init__(self, kafka: Kafka, *, committed_only: bool) -> None:
        """Connects in the background. Raises `ReaderError` for files that cannot be used."""
        self._where = f"Kafka ({brokers(kafka)})"
        self._trouble: KafkaError | None = None
        given = settings(kafka, self._on_error) | {
            "group.id": "strangler",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "allow.auto.create.topics": False,
            "isolation.level": "read_committed" if committed_only else "read_uncommitted",
            # A log's end is told when the broker has waited this long for more.
            "fetch.wait.max.ms": 10,
        }
        self._consumer = consumer(kafka, given)

    def watermarks(self, partition: tuple[str, int]) -> tuple[int, int]:
        """Offsets of the oldest record that is still there, and of the next one to be written.

        The answer to a fetch says where the log ends, too; on the embedded broker that one is
        right, while its answer to the question itself may be smaller.
        """
        low, high = self._asked(partition)
        next(self.read(partition, high), None)
        found = self._consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)
        return low, max(high, found[1] if found else high)

    def last(self, partition: tuple[str, int]) -> Message | None:
        """The last record of a partition; None for an empty one."""
        low, high = self._asked(partition)
        step = _FIRST_STEP  # what ends a transaction has an offset too, so the last may be none
        while True:
            start = max(low, high - step)
            last = None
            for message in self.read(partition, start):
                last = message
            if last is not None or start == low:
                return last
            step *= _GROWTH

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def read(self, partition: tuple[str, int], start: int) -> Iterator[Message]:
        """The records from there to the end of the log."""
        self._consumer.assign([TopicPartition(*partition, start)])
        deadline = time.monotonic() + ASK_WITHIN
        while True:
            message = self._consumer.poll(max(0.0, deadline - time.monotonic()))
            if message is None:
                raise ReaderError(f"{_name(partition)}: Kafka does not answer", temporary=True)
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                return
            else:
                raise reader_error(_name(partition), KafkaException(error))

    def _asked(self, partition: tuple[str, int]) -> tuple[int, int]:
        """Where a log begins and ends; where there is no answer, the reason if there is one."""
        try:
            return asked(self._consumer, partition)
        except ReaderError as error:
            self._consumer.poll(0)  # it is told only here
            cause, trouble = error.__cause__, self._trouble
            silent = isinstance(cause, KafkaException) and reason_of(cause).code() < 0
            if trouble is not None and (silent or is_permanent(trouble)):
                # The library's own error says less than why no broker has answered.
                raise reader_error(self._where, KafkaException(trouble)) from None
            raise

    def _on_error(self, error: KafkaError) -> None:
        self._trouble = error


def consumer(kafka: Kafka, given: dict[str, Any]) -> Consumer:
    """A consumer; raises `ReaderError` for files that cannot be used."""
    try:
        return made(Consumer, kafka, given)
    except KafkaException as error:
        raise reader_error(f"Kafka ({brokers(kafka)})", error) from error


def asked(consumer: Consumer, partition: tuple[str, int]) -> tuple[int, int]:
    """Where a log begins and ends, as the broker answers. Raises `ReaderError`."""
    deadline, renewed = time.monotonic() + ASK_WITHIN, False
    while True:
        try:
            found = consumer.get_watermark_offsets(TopicPartition(*partition), ASK_WITHIN)
        except KafkaException as error:
            code = reason_of(error).code()
            if code in _UNKNOWN and not renewed:
                renewed = _renew(consumer, partition[0])
            elif code in _MOVING and time.monotonic() < deadline:
                time.sleep(_AGAIN_AFTER)
            else:
                raise reader_error(_name(partition), error) from error
            continue
        if found is None:
            raise ReaderError(f"{_name(partition)}: Kafka does not answer", temporary=True)
        low, high = found
        return low, high


def _renew(consumer: Consumer, topic: str) -> bool:
    """Have the library look for a topic that it did not find before: by itself it may not for long.

    Always true, as a question that gets no answer is asked again with what follows.
    """
    with contextlib.suppress(KafkaException):
        consumer.list_topics(topic, timeout=ASK_WITHIN)
    return True


def topic_ids(
    admin: AdminClient, topics: Sequence[str], trouble: Callable[[], KafkaError | None]
) -> Mapping[str, str]:
    """The identities of the topics that are there; `trouble` as in `describe`.

    Raises `ReaderError`.
    """
    try:
        found = describe(admin, topics, trouble, ASK_WITHIN)
    except KafkaException as error:
        raise reader_error(", ".join(topics), error) from error
    return {name: str(topic.topic_id) for name, topic in found.items()}


def last_checkpoint(kafka: Kafka, topic: str) -> bytes | None:
    """The last checkpoint that was committed with its records; None before the first.

    To be asked after the sink has been opened: until then an earlier relay's transaction may still
    be committed. Raises `ReaderError`.
    """
    lookup = Lookup(kafka, committed_only=True)
    try:
        last = lookup.last((topic, 0))
        return last.value() if last else None
    finally:
        lookup.close()


def _name(partition: tuple[str, int]) -> str:
    return f"{partition[0]}/{partition[1]}"
