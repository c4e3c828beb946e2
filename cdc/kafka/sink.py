"""Where envelopes go: one producer for one session of a relay, in one of three modes.

* At least once: an idempotent producer. Within a session nothing is lost, doubled or out of order
  in a partition; a relay that has been replaced can still deliver late.
* Fenced: the same inside short transactions under the stream's name. Opening the next sink of a
  stream ends every earlier one's transaction and refuses its records from then on.
* Exactly once: fenced, with the checkpoint as a record of the same transaction.

**No record is lost unnoticed.** The library reports a lost record by a callback of the producer's,
not of the record's: it is called for failures only, which costs nothing per record. After the
first failure the sink refuses everything, and whoever uses it starts again from the last settled
checkpoint with a new sink. In between nothing that came later gets into the log: a transaction is
aborted as a whole, and outside of one the producer stops at the first gap
(`enable.gapless.guarantee`) and has no deadline after which it would skip a record.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from cdc.config.model import Delivery, Kafka, Limits
from cdc.kafka import pause
from cdc.kafka.client import brokers, made, settings
from cdc.kafka.errors import CLIENT_ERRORS, is_permanent, reason_of, sink_error
from cdc.kafka.producer import producer_settings
from cdc.relay.ports import Headers, SinkError, TooLargeError

ROOM_WITHIN: Final = 60.0
"""Seconds that a full queue is waited for."""
ANSWER_WITHIN: Final = 30.0
CLOSE_WITHIN: Final = 5.0
_ROUND: Final = 0.1
"""Seconds of one wait, so that a lost record or an interrupt is noticed during a long one."""


class KafkaSink:
    """See the module's docstring; a `Sink` of the relay's, used by one thread, opened once."""

    def __init__(
        self,
        kafka: Kafka,
        stream_name: str,
        delivery: Delivery,
        limits: Limits,
        checkpoint_topic: str | None = None,
        make_topic: Callable[[str], None] | None = None,
    ) -> None:
        """Connects nothing yet. `checkpoint_topic` is needed for exactly once only.

        `make_topic` is called with the name of a topic that is missing when the first record is
        for it: those of an outbox are known no sooner.
        """
        if (delivery is Delivery.EXACTLY_ONCE) != (checkpoint_topic is not None):
            raise ValueError("a checkpoint's topic belongs to exactly once, and only to it")
        self._kafka, self._stream, self._limits = kafka, stream_name, limits
        self._checkpoint_topic, self._make_topic = checkpoint_topic, make_topic
        self._met: set[str] = set()
        """Topics that are there."""
        self._transactional = delivery is not Delivery.AT_LEAST_ONCE
        self.settle_after = 0.1 if self._transactional else 1.0
        self._producer: Producer | None = None
        self._send: Any = None
        """The producer's `produce`, looked up once, called by position: naming `headers` takes a
        fifth of the call. Before them are the callback, under both its names, and the time."""
        self._ready = False
        """Whether a record can be handed over as it is: no failure, and a transaction is open."""
        self._failure: SinkError | None = None
        self._undelivered: tuple[KafkaError | None, Message] | None = None
        """The first record that was lost, and why."""
        self._trouble: KafkaError | None = None
        """What the library reported last of its connections."""
        self._committed = 0.0
        self._pause = pause.LEAST

    def open(self, timeout: float) -> None:
        """Connect and fence every earlier sink of this stream; raises `SinkError`."""
        transactional_id = self._stream if self._transactional else None
        given = (
            settings(self._kafka, self._on_error)
            | producer_settings(self._limits, transactional_id)
            | {"on_delivery": self._on_delivery}
        )
        try:
            self._producer = producer = made(Producer, self._kafka, given)
            self._send = producer.produce
            producer.list_topics(timeout=timeout)
            if self._transactional:
                producer.init_transactions(timeout)
        except KafkaException as error:
            raise self._unreachable(error) from error
        self._ready = not self._transactional

    def produce(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers,
        partition: int = -1,
    ) -> None:  # fmt: skip
        """Hand one record over; -1 leaves the partition to the key (murmur2).

        Raises `TooLargeError` for a record that no broker takes, with nothing else changed, and
        `SinkError` where the records since the last `settle` must be handed over again.
        """
        if not self._ready:
            self._begin()
        if topic not in self._met:
            self._meet(topic)
        if type(headers) is not list:  # the library takes nothing else
            headers = list(headers)
        try:
            self._send(topic, value, key, partition, None, None, 0, headers)
        except BufferError:
            self._send_when_there_is_room(topic, key, value, headers, partition)
        except KafkaException as error:
            raise self._refused(error, topic) from error

    def poll(self) -> None:
        """Serve the library's callbacks; raises `SinkError` for a lost record."""
        self._serve(0)

    @property
    def queued(self) -> int:
        """Records that Kafka has not confirmed yet."""
        return 0 if self._producer is None else len(self._producer)

    def settle(self, checkpoint: bytes | None, timeout: float) -> None:
        """Return when Kafka has everything, with `checkpoint` in the same transaction if it can."""
        if checkpoint is not None and self._checkpoint_topic is not None:
            try:
                self.produce(self._checkpoint_topic, self._stream.encode(), checkpoint, [], 0)
            except TooLargeError as error:
                failure = SinkError(f"the checkpoint cannot be kept: {error}", temporary=False)
                raise self._stop(failure) from error
        self._opened()
        deadline = time.monotonic() + timeout
        if not self._transactional:
            self._flush(deadline)
        elif self._ready:
            self._commit(deadline)
        self._check()

    def close(self) -> None:
        """Give up what is unsettled; within seconds. May be called twice, and without `open`."""
        producer, self._producer, self._send = self._producer, None, None
        self._ready = False
        if producer is None:
            return
        if self._transactional:
            with suppress(*CLIENT_ERRORS):  # or the next sink's `open` ends the transaction
                producer.abort_transaction(CLOSE_WITHIN)
        with suppress(*CLIENT_ERRORS):  # what is given up is an error to the library
            producer.purge()
            producer.flush(CLOSE_WITHIN)

    def _begin(self) -> None:
        """Open a transaction; also where everything goes that cannot go on."""
        self._check()
        producer = self._opened()
        rest = self._committed + self._pause - time.monotonic()
        if rest > 0:
            time.sleep(rest)
        try:
            producer.begin_transaction()
        except KafkaException as error:
            raise self._lost("Kafka began no transaction", error) from error
        self._ready = True

    def _meet(self, topic: str) -> None:
        """The library would find out within half a minute, with records of it in the queue."""
        try:
            found = self._opened().list_topics(topic, timeout=ANSWER_WITHIN).topics[topic]
        except KafkaException as error:
            raise self._unreachable(error) from error
        if found.error is not None and found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            if self._make_topic is None:
                raise self._stop(SinkError(f"there is no topic {topic}", temporary=True))
            self._make_topic(topic)
        self._met.add(topic)

    def _commit(self, deadline: float) -> None:
        producer = self._opened()
        began, queued = time.monotonic(), len(producer)
        while True:
            try:
                producer.commit_transaction(max(0.0, deadline - time.monotonic()))
                break
            except CLIENT_ERRORS as error:
                reason = reason_of(error)
                if reason.retriable() and time.monotonic() < deadline:
                    continue
                self._check()  # the reason why a record was lost says more than the commit's
                raise self._lost("Kafka did not commit the transaction", error) from error
        self._committed = now = time.monotonic()
        self._pause = pause.next_pause(self._pause, now - began, queued)
        self._ready = False

    def _flush(self, deadline: float) -> None:
        while left := self._flushed():
            if time.monotonic() >= deadline:
                raise self._stop(SinkError(self._late(f"{left} records"), temporary=True))

    def _flushed(self) -> int:
        """How many records are left after a short wait for them."""
        try:
            left = self._opened().flush(_ROUND)
        except CLIENT_ERRORS as error:
            self._check()
            raise self._lost("Kafka did not take everything", error) from error
        self._check()
        return left

    def _serve(self, timeout: float) -> None:
        """Have the library call back; it may also raise what it reports."""
        try:
            self._opened().poll(timeout)
        except CLIENT_ERRORS as error:
            self._check()
            raise self._lost("Kafka's producer cannot go on", error) from error
        self._check()

    def _send_when_there_is_room(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers, partition: int
    ) -> None:
        deadline = time.monotonic() + ROOM_WITHIN
        while True:
            self._serve(_ROUND)
            try:
                self._send(topic, value, key, partition, None, None, 0, headers)
                break
            except BufferError:
                if time.monotonic() >= deadline:
                    failure = SinkError(self._late("a full queue"), temporary=True)
                    raise self._stop(failure) from None
            except KafkaException as error:
                raise self._refused(error, topic) from error

    def _late(self, what: str) -> str:
        text = f"Kafka ({brokers(self._kafka)}) did not take {what} in time"
        return f"{text}: {self._trouble.str()}" if self._trouble else text

    def _refused(self, error: KafkaException, topic: str) -> Exception:
        if reason_of(error).code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return TooLargeError(
                f"the record is larger than {self._limits.record} bytes, the stream's limits.record"
            )
        return self._lost(f"Kafka took no record of {topic}", error)

    def _unreachable(self, error: KafkaException) -> SinkError:
        """The error of a call that only waited for a connection is less than why there is none."""
        what = f"Kafka ({brokers(self._kafka)}) cannot be reached"
        if self._trouble is not None and is_permanent(self._trouble):
            return self._stop(sink_error(what, self._trouble, self._stream))
        return self._lost(what, error)

    def _lost(self, what: str, error: Exception) -> SinkError:
        return self._stop(sink_error(what, reason_of(error), self._stream))

    def _stop(self, failure: SinkError) -> SinkError:
        """Refuse everything from now on; the first failure is the one that counts."""
        self._ready = False
        if self._failure is None or failure.fenced:
            self._failure = failure
        return self._failure

    def _check(self) -> None:
        if self._undelivered is not None and self._failure is None:
            error, record = self._undelivered
            assert error is not None  # it is called for failures only
            what = f"Kafka lost a record of {record.topic()}"
            self._stop(sink_error(what, error, self._stream))
        if self._failure is not None:
            raise self._failure

    def _opened(self) -> Producer:
        if self._producer is None:
            raise SinkError("the sink is closed", temporary=True)
        return self._producer

    def _on_delivery(self, error: KafkaError | None, record: Message) -> None:
        # Another error may be under way, in which nothing of the library's can be called.
        if self._undelivered is None:
            self._undelivered = (error, record)

    def _on_error(self, error: KafkaError) -> None:
        self._trouble = error
        if error.fatal():
            self._stop(sink_error("Kafka's producer cannot go on", error, self._stream))
