"""Topics as the harness sees them: made beforehand, watched while they grow, read afterwards."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from confluent_kafka import Consumer, IsolationLevel, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from bench import procfs
from bench.relay.checksum import Checksum, of_after
from bench.relay.servers import PARTITIONS
from bench.relay.timing import Ends, Seen

LOOK_EVERY = 0.02
CALM = 0.5
"""Seconds without a record after which all of them are there."""


class NothingComesError(Exception):
    """A reader does not deliver; the message says how far it came."""


_QUIET = logging.getLogger("bench.kafka")
"""What a client says while servers come and go is no news here."""
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of a broker."""

    broker: str
    name: str
    committed: bool
    """Whether its consumers read committed records only, as a transactional producer needs."""

    def make(self) -> None:
        """Make it, and wait until the broker knows it: this client forgets no "not there"."""
        admin, new = _admin(self.broker), NewTopic(self.name, PARTITIONS, 1)
        for done in admin.create_topics([new]).values():
            done.result(30)
        wait_until(
            lambda: (
                len(admin.list_topics(self.name, timeout=10).topics[self.name].partitions)
                == PARTITIONS
            ),
            f"the topic {self.name}",
        )

    def ends(self, *, committed: bool | None = None) -> Ends:
        """Where the next record of each partition will be that a consumer can read.

        `committed=False`: that is there at all, in a transaction that is still open too.
        """
        committed = self.committed if committed is None else committed
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        wanted = {TopicPartition(self.name, n): OffsetSpec.latest() for n in range(PARTITIONS)}
        answers = _admin(self.broker).list_offsets(
            wanted, isolation_level=level, request_timeout=30
        )
        return {each.partition: done.result().offset for each, done in answers.items()}

    def watch(self, starts: Ends, rows: int, root: int, within: float) -> list[Seen]:
        """Look at the topic until `rows` records more than at `starts` are there, and no more come.

        `root`: the reader's first process. Raises `NothingComesError`.
        """
        series: list[Seen] = []
        deadline = time.monotonic() + within
        while True:
            seen = self._look(root)
            if not series or seen.ends != series[-1].ends or seen.written != series[-1].written:
                series.append(seen)
            came = total(seen.ends) - total(starts)
            if came >= rows and seen.at - series[-1].at > CALM:
                return series
            if seen.at > deadline:
                raise NothingComesError(f"{came} of {rows} records came within {within:.0f} s")
            time.sleep(LOOK_EVERY)

    def _look(self, root: int) -> Seen:
        ends = self.ends()
        written = self.ends(committed=False) if self.committed else ends
        return Seen(time.monotonic(), ends, written, procfs.cpu_us(procfs.tree(root)))

    def consumer(self) -> Consumer:
        """A consumer that waits no longer than it must."""
        level = "read_committed" if self.committed else "read_uncommitted"
        return Consumer({
            "bootstrap.servers": self.broker, "group.id": "bench", "isolation.level": level,
            "enable.auto.commit": False, "fetch.wait.max.ms": 10, "fetch.min.bytes": 1,
            "queued.max.messages.kbytes": 65536, "logger": _QUIET,
        })  # fmt: skip

    def messages(self, starts: Ends, until: Ends, within: float = 120.0) -> Iterator[Message]:
        """What stands between two sets of offsets."""
        with closing(self.consumer()) as consumer:
            consumer.assign([TopicPartition(self.name, n, at) for n, at in starts.items()])
            deadline = time.monotonic() + within
            while True:
                for message in consumer.consume(5000, 0.1):
                    if message.error() is None and message.offset() < until[message.partition()]:
                        yield message
                places = consumer.position([TopicPartition(self.name, n) for n in until])
                if all(place.offset >= until[place.partition] for place in places):
                    return
                if time.monotonic() > deadline:
                    raise NothingComesError(f"{self.name} cannot be read to its end")

    def checksum(self, starts: Ends, until: Ends) -> tuple[Checksum, dict[int, int], float]:
        """What the rows between two sets of offsets amount to.

        Also the offset after each partition's last row, and the mean size of a record's value.
        """
        found, last, size = Checksum(), dict[int, int](), 0
        for message in self.messages(starts, until):
            if (after := _after(message)) is None:
                continue
            partition = message.partition()
            found.add(partition, of_after(after))
            last[partition] = message.offset() + 1
            size += len(message.value())
        return found, last, size / max(1, found.rows)


@cache
def _admin(broker: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker, "logger": _QUIET})


def _after(message: Message) -> Mapping[str, Any] | None:
    """The new row of a change; None for a marker."""
    value = message.value()
    return None if value is None else orjson.loads(value).get("after")


def wait_until(met: Callable[[], object], what: str, within: float = 60.0) -> None:
    """Raises `NothingComesError` unless the condition is met in time."""
    deadline = time.monotonic() + within
    while not met():
        if time.monotonic() > deadline:
            raise NothingComesError(f"{what}: not within {within:.0f} s")
        time.sleep(0.02)


def total(ends: Ends) -> int:
    """Records, and a transactional producer's marks, of all partitions."""
    return sum(ends.values())
