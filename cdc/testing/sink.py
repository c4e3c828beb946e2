"""Kafka and the store of checkpoints in memory, as the relay writes them."""

from __future__ import annotations

from dataclasses import dataclass, field

from cdc.murmur2 import partition_of
from cdc.relay.ports import Headers, SinkError, TooLargeError


@dataclass(frozen=True, slots=True)
class Sent:
    """A record as a `MemorySink` was given it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)
    partition: int = -1


class MemorySink:
    """Topics in memory: a record counts from the next `settle` on, and is lost with a `close`."""

    settle_after = 0.05

    def __init__(self, partitions: int = 4, largest: int = 1_000_000) -> None:
        self.partitions, self.largest = partitions, largest
        self.settled: list[Sent] = []
        """What consumers see."""
        self.pending: list[Sent] = []
        self.checkpoints: list[bytes] = []
        """Those that were settled with records."""
        self.failure: SinkError | None = None
        """Raised by the next `settle`, once; what is pending is lost with it."""
        self.opened = self.closed = 0
        """How often."""

    def open(self, timeout: float) -> None:  # noqa: ARG002 - nothing is waited for
        """Give up what an earlier session left."""
        self.opened += 1
        self.pending = []

    def produce(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers,
        partition: int = -1,
    ) -> None:  # fmt: skip
        """Take one record."""
        size = len(key or b"") + len(value or b"") + sum(len(n) + len(v) for n, v in headers)
        if size > self.largest:
            raise TooLargeError(f"the record is larger than {self.largest} bytes")
        if partition < 0:
            partition = partition_of(key or b"", self.partitions)
        self.pending.append(Sent(topic, key, value, list(headers), partition))

    def poll(self) -> None:
        """Nothing is due."""

    def settle(self, checkpoint: bytes | None, timeout: float) -> None:  # noqa: ARG002 - at once
        """Let consumers see what is pending."""
        if self.failure is not None:
            failure, self.failure = self.failure, None
            self.pending = []
            raise failure
        self.settled += self.pending
        self.pending = []
        if checkpoint is not None:
            self.checkpoints.append(checkpoint)

    def close(self) -> None:
        """Give up what is pending."""
        self.closed += 1
        self.pending = []


class MemoryCheckpoints:
    """One stream's checkpoint in memory."""

    def __init__(self, kept: bytes | None = None) -> None:
        self.saved: list[bytes] = [] if kept is None else [kept]
        """Every one, oldest first."""
        self.failure: Exception | None = None
        """Raised by the next `save`, once."""

    def load(self) -> bytes | None:
        """The newest."""
        return self.saved[-1] if self.saved else None

    def save(self, checkpoint: bytes) -> None:
        """Keep it."""
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        self.saved.append(checkpoint)
