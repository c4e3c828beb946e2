"""Brokers for tests: the embedded one and Apache Kafka, each gone after the tests."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from cdc.kafka import embedded
from support.databases import START_WITHIN, did_not_start, folder


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(met: Callable[[], object], what: str, within: float = 30.0) -> None:
    """Wait for a condition; fails, saying what was waited for, after `within` seconds."""
    deadline = time.monotonic() + within
    while not met():
        assert time.monotonic() < deadline, f"{what}: not within {within:.0f} s"
        time.sleep(0.02)


@contextlib.contextmanager
def tansu() -> Iterator[str]:
    """The embedded broker's `host:port`."""
    try:
        port = free_port()
        command = embedded.command(port)
    except embedded.NotInstalledError as error:
        did_not_start(str(error))
    with folder("tansu") as path, running(command, path / "log", port):
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def running(command: list[str], log: Path, port: int) -> Iterator[subprocess.Popen]:
    """A server that listens on a port by the time the block is entered."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=log.parent)
    try:
        deadline = time.monotonic() + START_WITHIN
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                did_not_start(f"{command[0]} does not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait(30)


def make_topic(address: str, name: str, partitions: int = 4, **config: str) -> str:
    """Make a topic and wait until the brokers know it."""
    admin = AdminClient({"bootstrap.servers": address})
    settings = {key.replace("_", "."): value for key, value in config.items()}
    for done in admin.create_topics([NewTopic(name, partitions, 1, config=settings)]).values():
        done.result(30)
    until(
        lambda: len(admin.list_topics(name, timeout=10).topics[name].partitions) == partitions,
        f"the topic {name}",
    )
    return name


def records(address: str, topic: str, *, committed: bool = True) -> list[Message]:
    """All records of a topic that there are now, partition by partition."""
    level = "read_committed" if committed else "read_uncommitted"
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "tests",
            "enable.partition.eof": True,
            "isolation.level": level,
            "fetch.wait.max.ms": 10,
        }
    )
    try:
        known = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in known])
        found, ended = [], set()
        deadline = time.monotonic() + 30.0
        while len(ended) < len(known):
            assert time.monotonic() < deadline, f"{topic} was not read to its end"
            message = consumer.poll(0.1)
            if message is None:
                continue
            if message.error() is None:
                found.append(message)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
        return sorted(found, key=lambda message: (message.partition(), message.offset()))
    finally:
        consumer.close()
