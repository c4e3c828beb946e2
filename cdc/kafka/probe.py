"""Whether a broker keeps aborted records from those who read committed ones.

Exactly once stands on it. A broker may take part in transactions and fence producers, and yet show
what was aborted; so an aborted record is written and looked for.
"""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from cdc.config.model import Kafka
from cdc.kafka.client import brokers, settings
from cdc.kafka.errors import ReaderError, sink_error
from cdc.kafka.lookup import Lookup
from cdc.relay.ports import SinkError

WITHIN = 30.0
"""Seconds for each step."""
_KEY = b"probe"


def refuse_leaks(kafka: Kafka, stream: str, topic: str) -> None:
    """Abort a record in the topic's first partition; raises a permanent `SinkError` if it shows.

    Under the stream's own transactional id, as the sink that is opened next: a transaction that a
    killed relay left open would keep readers of committed records from everything behind it, the
    probe's record too, until the broker gives it up after a minute.
    """
    try:
        offset = _aborted(kafka, stream, topic)
        if not _shows(kafka, topic, offset):
            return
    except KafkaException as error:
        what = f"it cannot be found out whether Kafka ({brokers(kafka)}) isolates transactions"
        raise sink_error(what, error.args[0], stream) from error
    except ReaderError as error:
        raise SinkError(str(error), temporary=error.temporary) from error
    raise SinkError(
        f"the broker {brokers(kafka)} shows aborted records to readers of committed ones, so"
        f" `delivery: exactly_once` of the stream {stream} would be a false promise: use Apache"
        " Kafka, or `delivery: fenced`",
        temporary=False,
    )


def _aborted(kafka: Kafka, transactional_id: str, topic: str) -> int:
    """Write a record and abort it; its offset."""
    offsets: list[int] = []

    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is None:
            offsets.append(message.offset() or 0)

    producer = Producer(
        settings(kafka, lambda _error: None)
        | {"transactional.id": transactional_id, "allow.auto.create.topics": False}
    )
    producer.init_transactions(WITHIN)
    producer.begin_transaction()
    producer.produce(topic, b"aborted", _KEY, 0, on_delivery=delivered)
    producer.flush(WITHIN)
    producer.abort_transaction(WITHIN)
    if not offsets:
        raise KafkaException(KafkaError(KafkaError._MSG_TIMED_OUT))  # noqa: SLF001 - its own name
    return offsets[0]


def _shows(kafka: Kafka, topic: str, offset: int) -> bool:
    lookup = Lookup(kafka, committed_only=True)
    try:
        return any(
            message.offset() == offset and message.key() == _KEY
            for message in lookup.read((topic, 0), offset)
        )
    finally:
        lookup.close()
