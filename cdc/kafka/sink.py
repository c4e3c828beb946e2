"""The producer of one stream, in the three ways of `Delivery`.

No record has a callback of its own, which would cost as much as encoding it. A settled stretch is
known to be whole by other means: in a transaction, Kafka commits all of it or nothing; without one,
`flush` waits until the queue is empty, and only *failed* deliveries are reported, any of which
fails the stretch. The idempotent producer neither reorders nor repeats within a partition.
"""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from cdc.config.model import Delivery, Stream
from cdc.kafka.settings import client, sink_error
from cdc.relay.ports import Headers, SinkError, TooLargeError

_PAUSE = 0.003
"""Seconds between a commit and the next transaction. Kafka is still finishing the old one; met
then, the client would ask again only after 20 ms."""
_FULL_WAIT = 60.0
"""Seconds that a full queue may last before it counts as a failure."""
_LONGEST_TRANSACTION_MS = 120_000
_ROOM = 4096
"""Bytes that a record's headers and framing may take beside its key and value."""


class KafkaSink:
    """See `cdc.relay.ports.Sink`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._transactional = stream.delivery is not Delivery.AT_LEAST_ONCE
        self.settle_after = 0.1 if self._transactional else 1.0
        self._checkpoints = f"{stream.topics.prefix}.checkpoint"
        self._largest = stream.limits.record
        self._producer: Producer | None = None
        self._failed: KafkaError | None = None
        self._in_transaction = False
        self._committed = 0.0

    def open(self, timeout: float) -> None:
        """Connect; a transactional producer fences every earlier one of this stream."""
        settings = self._settings()
        self._producer = Producer(settings)
        try:
            if self._transactional:
                self._producer.init_transactions(timeout)
            else:
                self._producer.list_topics(timeout=timeout)
        except KafkaException as error:
            raise sink_error(error) from error

    def produce(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers,
        partition: int = -1,
    ) -> None:  # fmt: skip
        """Hand one record over; waits while the queue is full."""
        if value is not None and len(value) > self._largest:
            raise TooLargeError(
                f"the record has {len(value)} bytes, more than limits.record ({self._largest})"
            )
        if self._transactional and not self._in_transaction:
            self._begin()
        assert self._producer is not None
        try:
            self._producer.produce(topic, value, key, partition, headers=headers)  # type: ignore[arg-type]
        except BufferError:
            self._produce_later(topic, value, key, partition, headers)
        except KafkaException as error:
            raise self._refused(error) from error

    def poll(self) -> None:
        """Serve delivery failures."""
        assert self._producer is not None
        self._producer.poll(0)
        self._raise_failure()

    def settle(self, checkpoint: bytes | None, timeout: float) -> None:
        """Return when Kafka has everything that was produced."""
        if checkpoint is not None:
            self.produce(self._checkpoints, b"checkpoint", checkpoint, [], 0)
        assert self._producer is not None
        if not self._transactional:
            left = self._producer.flush(timeout)
            self._raise_failure()
            if left:
                raise SinkError(
                    f"Kafka confirmed nothing for {timeout:.0f} s; {left} records wait",
                    temporary=True,
                )
        elif self._in_transaction:
            self._commit(timeout)

    def close(self) -> None:
        """Give up what is unsettled."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        if self._in_transaction:
            _abort(producer)
        producer.purge(in_queue=True, in_flight=True)
        producer.flush(1.0)

    def _settings(self) -> dict[str, Any]:
        stream = self._stream
        settings = client(stream.kafka) | {
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 2,
            "batch.num.messages": 10_000,
            "batch.size": 1_000_000,
            "message.max.bytes": stream.limits.record + _ROOM,
            "queue.buffering.max.kbytes": max(1024, stream.limits.memory // 1024),
            "queue.buffering.max.messages": 500_000,
            "delivery.report.only.error": True,
            "on_delivery": self._delivered,
        }
        if self._transactional:
            settings |= {
                "transactional.id": f"strangler-{stream.name}",
                "transaction.timeout.ms": _LONGEST_TRANSACTION_MS,
            }
        return settings

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None and self._failed is None:
            self._failed = error

    def _raise_failure(self) -> None:
        if self._failed is not None:
            raise sink_error(self._failed)

    def _begin(self) -> None:
        assert self._producer is not None
        pause = self._committed + _PAUSE - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        try:
            self._producer.begin_transaction()
        except KafkaException as error:
            raise sink_error(error) from error
        self._in_transaction = True

    def _commit(self, timeout: float) -> None:
        assert self._producer is not None
        try:
            self._producer.commit_transaction(timeout)
        except KafkaException as error:
            raise sink_error(error) from error
        self._raise_failure()
        self._in_transaction = False
        self._committed = time.monotonic()

    def _produce_later(
        self, topic: str, value: bytes | None, key: bytes | None, partition: int, headers: Headers
    ) -> None:
        """The queue is full: wait for room, which is how back-pressure reaches the source."""
        assert self._producer is not None
        deadline = time.monotonic() + _FULL_WAIT
        while time.monotonic() < deadline:
            self._producer.poll(0.05)
            self._raise_failure()
            try:
                self._producer.produce(topic, value, key, partition, headers=headers)  # type: ignore[arg-type]
            except BufferError:
                continue
            except KafkaException as error:
                raise self._refused(error) from error
            return
        raise SinkError(f"Kafka took nothing for {_FULL_WAIT:.0f} s", temporary=True)

    def _refused(self, error: KafkaException) -> Exception:
        if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return TooLargeError("the record is larger than Kafka takes")
        return sink_error(error)


def _abort(producer: Producer) -> None:
    try:
        producer.abort_transaction(5.0)
    except KafkaException:
        return  # it ends by its own time limit, or a newer producer has ended it
