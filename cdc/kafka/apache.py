"""Apache Kafka on this machine, for demos and tests: where its files come from, and its commands.

The files are those of a release, from Maven Central, fetched once into the user's cache folder.
Which release is said by `pom.xml` beside this module, and nowhere else.
Nothing is started here: who runs processes runs these commands.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

POM: Final = Path(__file__).with_name("pom.xml")
VERSION: Final = POM.read_text("utf-8").partition("<kafka.version>")[2].partition("<")[0]
FETCH_WITHIN: Final = 600.0
"""Seconds for about 60 MB."""
_CLUSTER: Final = "c3RyYW5nbGVyLWthZmthLQ"


class NotAvailableError(Exception):
    """Apache Kafka cannot be had here; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node, broker and controller in one process."""

    number: int
    """From 1."""
    port: int
    """Where clients connect, on 127.0.0.1."""
    controller_port: int
    folder: Path
    """Its own; what it stores stays there from one start to the next."""

    @property
    def properties(self) -> Path:
        """The file of its settings."""
        return self.folder / "server.properties"


def libraries() -> Path:
    """The folder with Kafka's files, fetched the first time; raises `NotAvailableError`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "strangler"
    folder = cache / f"kafka-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    # Several processes may want it at once: the first fetches, the others wait for it.
    with (cache / f"kafka-{VERSION}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fetch(folder)
    return folder


def format_command(node: Node) -> list[str]:
    """Prepares a node's folder, once; its settings must have been written."""
    tool = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(node.properties)]
    return [*_java(128), *tool]


def start_command(node: Node, heap_mb: int = 512) -> list[str]:
    """Runs a node."""
    return [*_java(heap_mb), "kafka.Kafka", str(node.properties)]


def settings(node: Node, nodes: Sequence[Node]) -> str:
    """The settings of one of the nodes that make a cluster: all replicated, one may be lost."""
    replicas = min(3, len(nodes))
    in_sync = max(1, replicas - 1)
    voters = ",".join(f"{each.number}@127.0.0.1:{each.controller_port}" for each in nodes)
    address = f"PLAINTEXT://127.0.0.1:{node.port}"
    lines = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": voters,
        "listeners": f"{address},CONTROLLER://127.0.0.1:{node.controller_port}",
        "advertised.listeners": address,
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": node.folder / "data",
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        # Fifty, the default, make the first group and the first transaction wait.
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        # A node that was killed is noticed within seconds.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def _java(heap_mb: int) -> list[str]:
    return [
        _program("java", "Java 17 or later"),
        f"-Xmx{heap_mb}m",
        "-XX:+UseSerialGC",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        str(libraries() / "*"),
    ]


def _program(name: str, what: str) -> str:
    if found := shutil.which(name):
        return found
    raise NotAvailableError(f"Apache Kafka needs {what}: there is no `{name}` on the PATH")


def _fetch(folder: Path) -> None:
    maven = _program("mvn", "Maven, to fetch it")
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        # Maven may write beside its file, and where this one stands that is not always allowed.
        pom = shutil.copy(POM, work)
        command = [maven, "-q", "-B", "-f", pom, "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={work}/lib"]
        try:
            done = subprocess.run(  # noqa: PLW1510 - the outcome is told with its output
                command, capture_output=True, text=True, timeout=FETCH_WITHIN
            )
        except subprocess.TimeoutExpired as error:
            reason = f"Maven did not fetch Apache Kafka within {error.timeout:.0f} s"
            raise NotAvailableError(reason) from error
        if done.returncode:
            raise NotAvailableError(f"Maven cannot fetch Apache Kafka:\n{done.stdout[-2000:]}")
        # Complete or not there: whoever sees the folder may use it.
        (Path(work) / "lib").rename(folder)
