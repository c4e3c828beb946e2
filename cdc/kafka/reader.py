"""Topics read from positions that are ours, without a consumer group and its rebalances.

Nothing is ever skipped silently: an offset that the log no longer has, or does not have yet, is an
error, whatever the client's habit of starting elsewhere. After any `ReaderError` of `poll` what the
client had fetched is undefined; `assign` again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from cdc.applier.ports import Record
from cdc.config.model import Kafka
from cdc.kafka.client import brokers, settings
from cdc.kafka.errors import is_permanent, reader_error
from cdc.kafka.lookup import ASK_WITHIN, Lookup, asked, consumer, topic_ids

_GROUP: Final = "strangler"
"""The library wants a name; no group of that name ever comes to be."""
_WAITING: Final = 4 * 1024 * 1024
"""Bytes of records that wait for `poll`; more are asked for while they are fewer."""
_ANSWER: Final = 1_000_000
"""Bytes of one answer of a broker, the least that the library takes: some thousand records.

It comes on top of what waits, is compressed ten to one, and each record weighs some hundred bytes
more: so what is asked for here is what bounds the memory. A larger batch comes all the same.
"""
_FULL_FOR: Final = 5
"""Milliseconds after which the library looks again whether fewer than `_WAITING` wait. By default
it is a second, in which an applier that is quicker has nothing to do: half of its time."""
_ROUND: Final = 0.5
"""Seconds of one wait: the library does not let Ctrl-C through while it waits."""


class Reader:
    """See the module's docstring; used by one thread."""

    def __init__(self, kafka: Kafka, *, committed_only: bool = True) -> None:
        """Connects in the background. `committed_only` leaves open and aborted records out.

        Raises `ReaderError` for files that cannot be used.
        """
        self._kafka = kafka
        self._trouble: KafkaError | None = None
        self._lookup: Lookup | None = None
        self._consumer = consumer(kafka, self._settings(committed_only))
        self._closed = False
        self._admin: AdminClient | None = None

    def assign(self, positions: Mapping[tuple[str, int], int | None]) -> None:
        """Read these partitions and no others from these offsets; None for the log's start.

        Raises `ReaderError` where a start has to be asked for and there is no answer.
        """
        # Asked for here, as the library takes half a second to find a log's start by itself.
        self._consumer.assign(
            [
                TopicPartition(
                    *partition, asked(self._consumer, partition)[0] if at is None else at
                )
                for partition, at in positions.items()
            ]
        )

    def poll(self, max_records: int, timeout: float) -> Sequence[Record]:
        """What is there, at once; waits for the first record only. Empty after `timeout`.

        The records are in the order of each partition. Raises `ReaderError`.
        """
        found = self._consumer.consume(max_records, 0)
        if not found and timeout > 0:
            # consume() would wait for `max_records`, however many came before.
            first = self._first(timeout)
            if first is not None:
                found = [first, *self._consumer.consume(max_records - 1, 0)]
        self._check()
        return [self._record(message) for message in found]

    def topic_ids(self, topics: Sequence[str]) -> Mapping[str, str]:
        """What Kafka calls each topic of itself; those that are not there are left out."""
        if self._admin is None:
            self._admin = AdminClient(settings(self._kafka, self._on_error))
        return topic_ids(self._admin, topics, lambda: self._trouble)

    def pause(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Read nothing of these for now; their positions stay."""
        self._consumer.pause([TopicPartition(*partition) for partition in partitions])

    def resume(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Go on with them from where they were paused."""
        self._consumer.resume([TopicPartition(*partition) for partition in partitions])

    def watermarks(self, partition: tuple[str, int]) -> tuple[int, int]:
        """Offsets of the oldest record that is still there, and of the next one to be written."""
        if self._lookup is None:
            self._lookup = Lookup(self._kafka, committed_only=False)
        return self._lookup.watermarks(partition)

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has; 0 for one that is not there."""
        try:
            found = self._consumer.list_topics(topic, timeout=ASK_WITHIN).topics[topic]
        except KafkaException as error:
            raise reader_error(topic, error) from error
        if found.error is not None and found.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise reader_error(topic, KafkaException(found.error))
        return len(found.partitions)

    def close(self) -> None:
        """Stop reading. May be called twice."""
        if not self._closed:
            self._closed = True
            self._consumer.close()
            if self._lookup is not None:
                self._lookup.close()

    def _first(self, timeout: float) -> Message | None:
        while timeout > 0:
            message = self._consumer.poll(min(timeout, _ROUND))
            if message is not None:
                return message
            self._check()
            timeout -= _ROUND
        return None

    @staticmethod
    def _record(message: Message) -> Record:
        error = message.error()
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        assert topic is not None and partition is not None and offset is not None  # noqa: PT018 - for mypy
        if error is not None:
            raise reader_error(f"{topic}/{partition}", KafkaException(error))
        headers: Any = message.headers() or ()
        return Record(topic, partition, offset, message.key(), message.value(), headers)

    def _check(self) -> None:
        if self._trouble is not None and is_permanent(self._trouble):
            raise reader_error(self._where(), KafkaException(self._trouble))

    def _where(self) -> str:
        return f"Kafka ({brokers(self._kafka)})"

    def _on_error(self, error: KafkaError) -> None:
        self._trouble = error

    def _settings(self, committed_only: bool) -> dict[str, Any]:
        return settings(self._kafka, self._on_error) | {
            "group.id": _GROUP,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "allow.auto.create.topics": False,
            "isolation.level": "read_committed" if committed_only else "read_uncommitted",
            # A change of the assignment waits for the fetch that is under way.
            "fetch.wait.max.ms": 20,
            "fetch.error.backoff.ms": 100,
            "fetch.queue.backoff.ms": _FULL_FOR,
            "queued.max.messages.kbytes": _WAITING // 1024,
            "fetch.max.bytes": _ANSWER,
            "max.partition.fetch.bytes": _ANSWER // 4,
        }
