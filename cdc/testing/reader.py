"""Kafka in memory, as the applier reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cdc.applier.ports import Record, TopicPartition


class ScriptedReader:
    """Topics in memory: what `deliver` was given comes out of `poll`, as from Kafka."""

    def __init__(self) -> None:
        self._logs: dict[TopicPartition, list[Record]] = {}
        self._starts: dict[TopicPartition, int] = {}
        self._next: dict[TopicPartition, int] = {}
        self.identity = 1
        """Of the topics; another one says that they were deleted and made anew."""
        self.assigned: list[dict[TopicPartition, int | None]] = []
        """Every assignment, for tests that care."""

    def deliver(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> int:  # fmt: skip
        """Append a record to a partition; its offset."""
        log = self._logs.setdefault((topic, partition), [])
        offset = self._starts.get((topic, partition), 0) + len(log)
        log.append(Record(topic, partition, offset, key, value, headers))
        return offset

    def expire(self, partition: TopicPartition, before: int) -> None:
        """Delete the records before an offset, as Kafka's retention does."""
        log = self._logs.get(partition, [])
        self._logs[partition] = [record for record in log if record.offset >= before]
        self._starts[partition] = before

    def assign(self, positions: Mapping[TopicPartition, int | None]) -> None:
        """Read these partitions from these offsets."""
        self.assigned.append(dict(positions))
        self._next = {
            partition: self._starts.get(partition, 0) if offset is None else offset
            for partition, offset in positions.items()
        }

    def poll(self, max_records: int, timeout: float) -> Sequence[Record]:  # noqa: ARG002 - never waits
        """The next records of all partitions that are assigned, partition by partition."""
        records: list[Record] = []
        for partition, offset in self._next.items():
            start = self._starts.get(partition, 0)
            found = self._logs.get(partition, [])[offset - start :][: max_records - len(records)]
            records += found
            self._next[partition] = offset + len(found)
        return records

    def watermarks(self, partition: TopicPartition) -> tuple[int, int]:
        """First and next offset."""
        start = self._starts.get(partition, 0)
        return start, start + len(self._logs.get(partition, []))

    def topic_ids(self, topics: Sequence[str]) -> Mapping[str, str]:
        """Every topic, under an identity that `self.identity` can change."""
        return {topic: f"{topic}-{self.identity}" for topic in topics}

    def close(self) -> None:
        """Forget the assignment."""
        self._next = {}
