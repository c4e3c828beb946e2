"""Ours: `strangler cdc run`, as a process, with the settings it has by default."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from bench.peers.strangler import COMMAND
from bench.processes import StartError
from bench.relay.rows import TABLE
from bench.relay.servers import PARTITIONS, launch
from bench.relay.topics import Topic, total, wait_until


@dataclass(frozen=True, slots=True)
class Ours:
    """A stream with one way of delivery."""

    delivery: str
    """`at_least_once` or `fenced`."""
    broker: str
    source: str
    folder: Path
    """Its own: the route table and the checkpoints."""
    target: str | None = None
    stream: str = ""
    more: Mapping[str, object] = field(default_factory=dict)
    """Settings of the stream beyond its defaults."""
    command: Path = COMMAND
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"strangler, {self.delivery}"

    @property
    def called(self) -> str:
        """The stream's name."""
        return self.stream or self.delivery.replace("_", "-")

    @property
    def topic(self) -> Topic:
        prefix = f"ours-{self.called}"
        return Topic(self.broker, f"{prefix}.{TABLE}", self.delivery != "at_least_once")

    @staticmethod
    def version() -> str:
        return f"strangler/{version('strangler')} on Python {sys.version.split()[0]}"

    def prepare(self) -> None:
        """Publication, slot and topics; changes from here on are its to deliver."""
        self.topic.make()
        self.configure()
        with self.running("--no-snapshot"):
            wait_until(self._streams, f"{self.name} is ready")

    def configure(self) -> None:
        """The route table, and what the source needs."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "routes.yaml").write_text(json.dumps(self._routes()))
        done = self.once("init", 60, "--apply")
        if done.returncode:
            raise StartError(f"{self.name}: {done.stdout[-300:]}{done.stderr[-300:]}")

    def once(self, command: str, within: float, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the stream to its end."""
        words = [self.command, "cdc", command, self.called, "--routes", self._file, *options]
        return subprocess.run(
            words, capture_output=True, text=True, timeout=within, env=self._environment(),
            cwd=self.folder, check=False,
        )  # fmt: skip

    @contextlib.contextmanager
    def running(self, *options: str, command: str = "run") -> Iterator[int]:
        """The process id while it runs."""
        words = [self.command, "cdc", command, self.called, "--routes", self._file, *options]
        with launch(command, words, self.folder, env=self._environment()) as child:
            yield child.pid
            if child.process.poll() is not None:
                raise StartError(f"{self.name} ended: {child.last_words()}")

    @property
    def _file(self) -> Path:
        return self.folder / "routes.yaml"

    def _streams(self) -> bool:
        """Whether its first heartbeat has come back through the log."""
        return total(self.topic.ends()) >= PARTITIONS

    def _environment(self) -> dict[str, str]:
        target = {"TARGET": self.target} if self.target else {}
        return {**os.environ, **self.env, "SOURCE": self.source, **target}

    def _routes(self) -> dict[str, object]:
        stream = {
            "source": "${SOURCE}",
            **({"target": "${TARGET}"} if self.target else {}),
            "kafka": self.broker,
            "delivery": self.delivery,
            "topics": {"prefix": f"ours-{self.called}", "partitions": PARTITIONS},
            "tables": [TABLE],
            **self.more,
        }
        return {
            "version": 1,
            "upstreams": {"legacy": {"endpoints": ["http://127.0.0.1:1"]}},
            "default": "legacy",
            "sync": {self.called: stream},
        }
