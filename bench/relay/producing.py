"""The client alone: `python -m bench.relay.producing BROKER TOPIC URL FIRST ROWS`.

Makes every record of the rows beforehand, then does nothing but hand them to Kafka, as our relay
does: with its settings, a key, an envelope of its size and two headers. What it reaches is the
limit of whatever sends a record for each row by this client from one Python process. Waits when it
is done, as a relay does.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import orjson
from confluent_kafka import Producer

from bench.relay import rows
from bench.relay.checksum import COLUMNS
from cdc.config.model import Limits
from cdc.kafka.producer import producer_settings

_REST = (
    b',"source":{"connector":"postgresql","name":"copying","db":"full","schema":"public",'
    b'"table":"bench_review","position":"0/16B3748","xid":"741","ts_ms":1764000000000,'
    b'"snapshot":true},"op":"r","ts_ms":1764000000000,"transaction":{"id":"741","total_order":%d}}'
)


def records(url: str, first: int, size: int) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Key, value and id of each row."""
    for number, row in enumerate(rows.select(url, first, size)):
        after = orjson.dumps(dict(zip(COLUMNS, row, strict=True)))
        value = b'{"before":null,"after":' + after + _REST % number
        yield b'{"id":%d}' % row[0], value, b"1/00000000016b3748/%d" % number


def produce(broker: str, topic: str, made: list[tuple[bytes, bytes, bytes]]) -> None:
    """Hand all of them over; where the queue is full, wait for room."""
    common = {"bootstrap.servers": broker, "log_level": 3}
    producer = Producer(common | producer_settings(Limits(), None))
    send, epoch = producer.produce, ("epoch", b"1764000000")
    for key, value, name in made:
        headers = [("id", name), epoch]
        while True:
            try:
                send(topic, value, key, -1, headers=headers)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()


if __name__ == "__main__":
    produce(*sys.argv[1:3], list(records(sys.argv[3], *map(int, sys.argv[4:6]))))
    signal.pause()
