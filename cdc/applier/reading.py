"""What is read from Kafka, and from where: the reader follows the places in the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from cdc.applier.places import Place, readable
from cdc.applier.ports import Reader, Record, Stopped, TopicPartition
from cdc.config.model import Stream
from cdc.config.names import command


def begin_anew(stream: Stream) -> str:
    """What to do where topics no longer have what comes next."""
    return (
        f"fill them anew (`{command('run', stream, '--resnapshot')}`), read them from their start"
        f" (`{command('apply', stream, '--restart')}`), then `{command('verify', stream)}`"
    )


class Reading:
    """Assigns the reader what it should read, and only when that is not what it reads."""

    def __init__(self, reader: Reader, stream: Stream) -> None:
        self._reader, self._stream = reader, stream
        self._assigned: frozenset[TopicPartition] = frozenset()
        self._idle = False
        self._there: frozenset[str] = frozenset()
        """Topics that Kafka has. A client that asks for one too soon believes for a while that
        there is none, so those that are still to be made are left alone."""

    def poll(self, max_records: int, timeout: float) -> Sequence[Record]:
        """The next records."""
        records = self._reader.poll(max_records, timeout)
        self._idle = not records
        return records

    def topic_ids(self, topics: Sequence[str]) -> Mapping[str, str]:
        """What Kafka calls each topic of itself; from here on these are the ones that are read."""
        found = self._reader.topic_ids(topics)
        self._there = frozenset(found)
        return found

    def lacks(self, topics: AbstractSet[str]) -> bool:
        """Whether one of them was not there when Kafka was asked last."""
        return not topics <= self._there

    def follow(
        self, places: Mapping[TopicPartition, Place], waiting: Mapping[TopicPartition, int],
        moved: AbstractSet[TopicPartition] = frozenset(),
    ) -> None:  # fmt: skip
        """Read what is to be read now; `moved` are partitions whose place is another than ours.

        Raises `Stopped` where Kafka no longer has what comes next.
        """
        readable_now = readable(places, waiting, idle=self._idle)
        wanted = frozenset(each for each in readable_now if each[0] in self._there)
        if wanted == self._assigned and not moved & wanted:
            return
        for partition in sorted((wanted - self._assigned) | (moved & wanted)):
            self._check_reach(partition, places[partition].next_offset)
        self._reader.assign({p: places[p].next_offset for p in sorted(wanted)})
        self._assigned = wanted

    def forget(self) -> None:
        """Assign everything anew next time."""
        self._assigned = frozenset()

    def close(self) -> None:
        """Stop reading."""
        self._reader.close()

    def _check_reach(self, partition: TopicPartition, offset: int | None) -> None:
        """Whether Kafka still has what comes next."""
        if offset is None:
            return
        low, high = self._reader.watermarks(partition)
        name = f"{partition[0]}/{partition[1]}"
        if offset < low:
            raise Stopped(
                f"{name}: Kafka has deleted offsets {offset} to {low - 1} before they were "
                f"applied; {begin_anew(self._stream)}"
            )
        if offset > high:
            raise Stopped(
                f"{name}: applied up to offset {offset}, but the topic ends at {high}: it is "
                f"another topic than before; {begin_anew(self._stream)}"
            )
