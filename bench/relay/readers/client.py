"""Kafka's client alone: the limit of whoever sends a record for each row by it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.relay.servers import launch
from bench.relay.topics import Topic

NAME = "produce() alone"


@dataclass(frozen=True, slots=True)
class ClientAlone:
    """Sends the rows of a table without reading a log, encoding, or looking at them."""

    broker: str
    source: str
    first: int
    size: int
    folder: Path
    name: str = NAME

    @property
    def topic(self) -> Topic:
        return topic(self.broker)

    @contextlib.contextmanager
    def running(self) -> Iterator[int]:
        """The process id while it runs."""
        words = [sys.executable, "-m", "bench.relay.producing", self.broker, self.topic.name,
                 self.source, str(self.first), str(self.size)]  # fmt: skip
        with launch("producing", words, self.folder, cwd=Path.cwd()) as child:
            yield child.pid


def topic(broker: str) -> Topic:
    """Where it sends to, whatever rows they are."""
    return Topic(broker, "client-alone", committed=False)
