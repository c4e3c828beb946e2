"""From the commit at the source to a consumer in another process, at 1,000 commits a second."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing

from confluent_kafka import Consumer, TopicPartition

from bench.relay.rows import insert
from bench.relay.throughput import Reader
from bench.relay.topics import NothingComesError
from bench.stats import quantile

RATE = 1000
_WARM = 0.1
"""Share of the rows, at the beginning, that are not counted."""
_LIMIT = 60.0


def measure(reader: Reader, url: str, first: int, rows: int) -> dict[str, float]:
    """p50_ms, p95_ms and p99_ms. Row `first` is written before, to see that the reader streams.

    Raises `NothingComesError` where rows do not come.
    """
    topic = reader.topic
    with reader.running(), closing(topic.consumer()) as consumer:
        places = topic.ends()
        consumer.assign([TopicPartition(topic.name, n, at) for n, at in places.items()])
        insert(url, first, 1, 1)
        _arrivals(consumer, {first})
        wanted = range(first + 1, first + 1 + rows)
        command = [
            sys.executable,
            "-m",
            "bench.relay.writer",
            url,
            *map(str, (first + 1, rows, RATE)),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            try:
                arrived = _arrivals(consumer, set(wanted), writer)
                committed = json.loads(writer.communicate(timeout=_LIMIT)[0])
            finally:
                writer.kill()
    return percentiles(committed, [arrived[number] for number in wanted])


def percentiles(committed: list[float], arrived: list[float]) -> dict[str, float]:
    """Of the rows after the warm-up, in milliseconds."""
    late = [(there - done) * 1e3 for done, there in zip(committed, arrived, strict=True)]
    counted = late[int(len(late) * _WARM) :]
    return {f"p{n}_ms": quantile(counted, n / 100) for n in (50, 95, 99)}


def _arrivals(
    consumer: Consumer, wanted: set[int], writer: subprocess.Popen[str] | None = None
) -> dict[int, float]:
    """When each row came for the first time."""
    found: dict[int, float] = {}
    deadline = time.monotonic() + _LIMIT
    while len(found) < len(wanted):
        message, now = consumer.poll(0.5), time.monotonic()
        if now > deadline or (writer and writer.poll()):
            raise NothingComesError(f"{len(found)} of {len(wanted)} rows came in {_LIMIT:.0f} s")
        if message is None or message.error() or not message.key().startswith(b'{"id":'):
            continue
        number = int(message.key()[6:-1])
        if number in wanted:
            found.setdefault(number, now)
    return found
