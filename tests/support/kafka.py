"""Brokers for tests: the embedded one and Apache Kafka, each gone after the tests."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from cdc.kafka import apache, embedded
from support.databases import START_WITHIN, did_not_start, folder

QUIET = logging.getLogger("tests.kafka")
"""What a client says while the servers come and go is no news here."""
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False

QUICKLY = {
    **os.environ, "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"
}  # fmt: skip
"""Half the CPU of a start: a broker of tests does not live long enough to earn more compiling."""


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
def tansu(port: int | None = None, advertised: int | None = None) -> Iterator[str]:
    """The embedded broker's `host:port`.

    `advertised`: the port that it tells its clients, where something stands before its own.
    """
    try:
        port = port or free_port()
        command = embedded.command(port)
    except embedded.NotInstalledError as error:
        did_not_start(str(error))
    found_at = f"127.0.0.1:{advertised or port}"
    command[-1] = f"--advertised-listener-url=tcp://{found_at}"
    with folder("tansu") as path:
        server = Server(command, path / "log", port)
        try:
            server.wait_until_it_listens()
            yield found_at
        finally:
            server.end(signal.SIGKILL)


class ApacheKafka:
    """A cluster of Apache Kafka whose nodes can be stopped, killed and started again."""

    def __init__(self, path: Path, nodes: int) -> None:
        self.nodes = [
            apache.Node(number, free_port(), free_port(), path / str(number))
            for number in range(1, nodes + 1)
        ]
        self._heap_mb = 512 if nodes == 1 else 256
        self._processes: dict[int, Server] = {}

    @property
    def address(self) -> str:
        """`host:port` of each node, with commas."""
        return ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self, *numbers: int) -> None:
        """Start these nodes, all by default, and wait until the cluster knows them."""
        for number in numbers or range(1, len(self.nodes) + 1):
            node = self.nodes[number - 1]
            if not node.folder.exists():
                self._format(node)
            command = apache.start_command(node, self._heap_mb)
            self._processes[number] = Server(command, node.folder / "log", node.port)
        for server in self._processes.values():
            server.wait_until_it_listens()
        self.wait_for(len(self._processes))

    def stop(self, number: int) -> None:
        """Ask a node to end, and wait until it has."""
        self._processes.pop(number).end(signal.SIGTERM)

    def kill(self, number: int) -> None:
        """End a node as a crash would."""
        self._processes.pop(number).end(signal.SIGKILL)

    def freeze(self, number: int) -> None:
        """Let a node stand still, its connections open."""
        self._processes[number].process.send_signal(signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        self._processes[number].process.send_signal(signal.SIGCONT)

    def leader(self, topic: str, partition: int) -> int:
        """The number of the node that leads a partition."""
        admin = AdminClient({"bootstrap.servers": self.address, "logger": QUIET})
        return int(admin.list_topics(topic, timeout=10).topics[topic].partitions[partition].leader)

    def wait_for(self, nodes: int) -> None:
        """Wait until so many nodes are in the cluster, and no others."""
        admin = AdminClient({"bootstrap.servers": self.address, "logger": QUIET})

        def complete() -> bool:
            try:
                return len(admin.list_topics(timeout=5).brokers) == nodes
            except KafkaException:
                return False

        until(complete, f"a cluster of {nodes}", 60.0)

    def close(self) -> None:
        for server in self._processes.values():
            server.end(signal.SIGKILL)
        self._processes.clear()

    def _format(self, node: apache.Node) -> None:
        node.folder.mkdir(parents=True)
        node.properties.write_text(apache.settings(node, self.nodes))
        done = subprocess.run(
            apache.format_command(node), capture_output=True, text=True, env=QUICKLY
        )
        if done.returncode:
            did_not_start(f"Kafka's storage cannot be prepared:\n{done.stdout}{done.stderr}")


@contextlib.contextmanager
def apache_kafka(nodes: int = 1) -> Iterator[ApacheKafka]:
    """A cluster that is up."""
    with folder("kafka") as path:
        cluster = ApacheKafka(path, nodes)
        try:
            cluster.start()
            yield cluster
        except apache.NotAvailableError as error:
            did_not_start(str(error))
        finally:
            cluster.close()


class Server:
    """A process that listens on a port; what it prints goes into a file."""

    def __init__(self, command: list[str], log: Path, port: int) -> None:
        self._log, self._port = log, port
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=log.parent, env=QUICKLY
            )

    def wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_WITHIN
        while not listens(self._port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                name = Path(self.process.args[0]).name
                did_not_start(f"{name} does not start:\n{self._log.read_text()[-4000:]}")
            time.sleep(0.02)

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(60)


def make_topic(
    address: str, name: str, partitions: int = 4, replicas: int = 1, **config: str
) -> str:
    """Make a topic and wait until the brokers know it."""
    admin = AdminClient({"bootstrap.servers": address, "logger": QUIET})
    settings = {key.replace("_", "."): value for key, value in config.items()}
    for done in admin.create_topics(
        [NewTopic(name, partitions, replicas, config=settings)]
    ).values():
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
            "logger": QUIET,
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
        began = time.monotonic()
        deadline = began + 30.0
        while len(ended) < len(known):
            assert time.monotonic() < deadline, f"{topic} was not read to its end"
            message = consumer.poll(0.1)
            if message is None:
                continue
            if message.error() is None:
                found.append(message)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
                # A commit is confirmed before its marker lets readers pass: wait for that a little.
                if _more_to_come(consumer, message) and time.monotonic() < began + _MARKED_WITHIN:
                    ended.discard(message.partition())
                    consumer.seek(TopicPartition(topic, message.partition(), message.offset()))
        return sorted(found, key=lambda message: (message.partition(), message.offset()))
    finally:
        consumer.close()


_MARKED_WITHIN = 3.0


def _more_to_come(consumer: Consumer, end: Message) -> bool:
    """Whether the log goes on behind what readers of committed records have come to."""
    where = TopicPartition(end.topic(), end.partition())
    return end.offset() < consumer.get_watermark_offsets(where, cached=True)[1]


def delete_records(address: str, topic: str, partition: int, before: int) -> None:
    """Delete the records before an offset, as retention does."""
    admin = AdminClient({"bootstrap.servers": address, "logger": QUIET})
    for done in admin.delete_records([TopicPartition(topic, partition, before)]).values():
        done.result(30)


def topic_config(address: str, topic: str) -> dict[str, str]:
    """A topic's settings, its defaults among them."""
    admin = AdminClient({"bootstrap.servers": address, "logger": QUIET})
    (answer,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    return {name: entry.value for name, entry in answer.result(30).items()}


def delete_topic(address: str, topic: str) -> None:
    """Delete a topic and wait until it is gone."""
    admin = AdminClient(
        {"bootstrap.servers": address, "logger": QUIET, "allow.auto.create.topics": False}
    )
    for done in admin.delete_topics([topic]).values():
        done.result(30)
    until(lambda: not admin.list_topics(topic, timeout=10).topics[topic].partitions, "its end")
