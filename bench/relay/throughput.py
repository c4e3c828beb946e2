"""Changes a second: rows that were written beforehand, read by each reader in turn."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from bench import procfs
from bench.relay.checksum import Checksum, compare
from bench.relay.memory import peak
from bench.relay.timing import stretch
from bench.relay.topics import NothingComesError, Topic


class Reader(Protocol):
    """Reads the log into a topic."""

    @property
    def name(self) -> str: ...

    @property
    def topic(self) -> Topic: ...

    def running(self) -> AbstractContextManager[int]:
        """The id of its first process, for as long as it reads."""


def measure(reader: Reader, expected: Checksum, within: float) -> dict[str, float]:
    """Let a reader deliver what is in the log.

    rate: rows a second; cpu_us: CPU time of its processes per row; rss: their highest resident
    bytes so far; bytes: mean size of a value. Raises `WrongAnswerError`, `NothingComesError`.
    """
    topic = reader.topic
    starts = topic.ends()
    with reader.running() as root:
        series = topic.watch(starts, expected.rows, root, within)
        rss = peak(procfs.tree(root))
    found, last, size = topic.checksum(starts, series[-1].ends)
    compare(expected, found)
    try:
        took = stretch(series, starts, last)
    except ValueError as error:
        raise NothingComesError(f"{reader.name}: {error}") from error
    return {
        "rate": took.per_second(expected.rows),
        "cpu_us": took.cpu_per_row(expected.rows),
        "rss": rss,
        "bytes": size,
    }
