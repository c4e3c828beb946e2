"""What lies before an applier is much, and its memory stays what it is."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess

from confluent_kafka import Producer
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from support.commands import STRANGLER
from support.kafka import QUIET, make_topic, until
from support.memory import peak_mb
from support.shared import a_name, forget_topics, shared_kafka

from cdc.applier.targets import open_target
from cdc.config.model import Limits
from cdc.kafka.producer import producer_settings

PARTITIONS, EACH = 12, 12_000
MOST = 150
"""MB, for a hundred thousand records that wait; it grows with none of them."""
TABLE = "CREATE TABLE review (id bigint PRIMARY KEY, title text, body text, stars int)"


def produce(broker, topic):
    """Envelopes of 600 bytes, which are small once compressed, as the relay writes them."""
    producer = Producer(
        {"bootstrap.servers": broker, "logger": QUIET} | producer_settings(Limits(), None)
    )
    source = {"connector": "postgresql", "name": "shop", "db": "shop", "schema": "public",
              "table": "review", "position": "0/16B3748", "xid": "771", "ts_ms": 1763631000250,
              "snapshot": False}  # fmt: skip
    for number in range(PARTITIONS * EACH):
        row = {"id": number, "title": f"Review {number}", "body": f"{number:032d}" * 8, "stars": 4}
        value = {"before": None, "after": row, "source": source, "op": "c", "ts_ms": 1763631000262}
        headers = [("id", b"1/0000000000000303/%d" % number), ("epoch", b"1")]
        while True:
            try:
                producer.produce(
                    topic, json.dumps(value).encode(), b'{"id":%d}' % number,
                    number % PARTITIONS, headers=headers,
                )  # fmt: skip
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(60) == 0


def routes(folder, broker, prefix, target):
    path = folder / "routes.yaml"
    path.write_text(json.dumps({
        "version": 1,
        "upstreams": {"legacy": {"endpoints": ["http://127.0.0.1:1"]}},
        "default": "legacy",
        "sync": {"mem": {"source": "postgresql://nowhere/shop", "target": target, "kafka": broker,
                         "topics": {"prefix": prefix, "partitions": PARTITIONS},
                         "tables": ["review"]}},
    }))  # fmt: skip
    return path


@contextlib.contextmanager
def applying(path):
    command = [*STRANGLER, "cdc", "apply", "mem", "--routes", path]
    with (path.parent / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ})
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_the_applier_is_as_large_with_much_before_it_as_with_little(tmp_path, pg):
    engine = open_target(pg, "tests").engine
    prefix = a_name("mem")
    broker = shared_kafka()
    make_topic(broker, f"{prefix}.review", PARTITIONS)
    produce(broker, f"{prefix}.review")
    with engine.begin() as connection:
        connection.execute(text(TABLE))
    with applying(routes(tmp_path, broker, prefix, pg)) as process:

        def most_of_it():
            assert process.poll() is None, (tmp_path / "log").read_text()
            with contextlib.suppress(SQLAlchemyError), engine.connect() as connection:
                done = connection.scalar(text("SELECT sum(next_offset) FROM strangler_applied"))
                return (done or 0) > PARTITIONS * EACH / 2
            return False

        until(most_of_it, "half of the records", 120)
        peak = peak_mb(process.pid)
    forget_topics(prefix)
    engine.dispose()
    print(f"{peak:.0f} MB")
    assert peak < MOST
