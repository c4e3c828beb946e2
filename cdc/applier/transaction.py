"""One transaction at the target: positions, rows, held records, markers. All of it or nothing.

The first row it writes is one of `strangler_applied`: that is how a source which is read for the
other direction knows that the transaction is an applier's (docs/formats.md, loop prevention).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Connection, insert, select, update

from cdc.applier.held import PARKED, WAITING, Held, HeldKey, Hold, held_key
from cdc.applier.leases import FencedError, Leases
from cdc.applier.mending import Mending
from cdc.applier.places import Place, Sifted, TopicTable
from cdc.applier.ports import Stopped, Target, TargetTable, TopicPartition, Verdict
from cdc.applier.records import Item
from cdc.applier.tables import applied_table, filled_table, stream_table
from cdc.applier.writer import Failure, Writer
from cdc.applier.writes import Shaper


@dataclass(slots=True)
class Assigned:
    """What this applier holds: replaced after each commit, from the database after each failure."""

    epoch: int
    places: dict[TopicPartition, Place] = field(default_factory=dict)
    held: dict[TopicPartition, dict[str, str]] = field(default_factory=dict)

    def waits(self, partition: TopicPartition) -> bool:
        """Whether records of the partition wait, so that its markers do not count yet."""
        return WAITING in self.held.get(partition, {}).values()

    def waiting(self) -> set[HeldKey]:
        """The keys that wait."""
        return {
            (partition, key)
            for partition, keys in self.held.items()
            for key, state in keys.items()
            if state == WAITING
        }


@dataclass(slots=True)
class Done:
    """What a transaction did."""

    rows: int = 0
    held_changed: bool = False
    mended: int = 0


class Transaction:
    """Applies what was sifted. Used once; the caller begins and commits."""

    def __init__(
        self, connection: Connection, stream: str, target: Target, assigned: Assigned,
        leases: Leases, tables: dict[str, TargetTable], topics: dict[str, TopicTable],
        shaper: Shaper, now_ms: int,
    ) -> None:  # fmt: skip
        self._connection, self._stream, self._target = connection, stream, target
        self._assigned, self._leases = assigned, leases
        self._topics = topics
        self._writer = Writer(connection, target, tables, shaper)
        self._now_ms = now_ms
        self._held = Held(stream)
        self._written: dict[TopicPartition, Place] = {}
        self._failed = False
        self.done = Done()

    @property
    def _partly(self) -> bool:
        """Whether some of the batch is held now, and some has been written that may mend it."""
        return self._failed and self._writer.rows > 0

    @property
    def places(self) -> dict[TopicPartition, Place]:
        """The places as they are once it has been committed."""
        return self._written

    def lock(self) -> None:
        """The epoch lock: no change of owner can commit beside this transaction."""
        self._target.begin(self._connection)
        query = select(stream_table.c.epoch).where(stream_table.c.stream == self._stream)
        epoch = self._connection.execute(query.with_for_update(read=True)).scalar()
        if epoch != self._assigned.epoch:
            raise Stopped(
                f"stream {self._stream} has another owner: its epoch is {epoch}, this applier "
                f"began with {self._assigned.epoch}; nothing was written"
            )

    def apply(self, sifted: Sifted, *, careful: bool, retry: bool) -> None:
        """Write it all. `careful` finds the rows that fail and holds them; else any one raises.

        `retry` says to try what waits again, though nothing of this batch touches it.
        """
        self._advance(sifted.places, careful=careful)
        fresh, behind = self._split(sifted.items)
        works = self._writer.works(fresh)
        if careful:
            self._hold_failures(self._writer.carefully(works))
        else:
            self._writer.write(works)
        self._line_up(behind)
        self._mend({held_key(item) for item in behind}, retry=retry)
        self._count_markers()
        self.done.rows = self._writer.rows

    def _mend(self, touched: set[HeldKey], *, retry: bool) -> None:
        """Try what got company, and on demand all that waits (not what has just failed alone)."""
        keys = touched | (self._assigned.waiting() if retry or self._partly else set())
        if keys:
            mending = Mending(
                self._connection, self._stream, self._writer, self._topics, self._assigned.held
            )
            mending.mend(keys)
            self.done.held_changed = True
            self.done.mended = mending.mended

    def _advance(self, places: dict[TopicPartition, Place], *, careful: bool) -> None:
        """The positions, first of all. Markers count at once only if no record can be held."""
        self.done.held_changed = careful
        if not places:  # only held records are tried, and their rows must not be the first
            idle = min(self._assigned.places)
            self._move(idle, self._assigned.places[idle])
        for partition in sorted(places):
            place = places[partition]
            counts = not careful and not self._assigned.waits(partition)
            known = self._assigned.places[partition].marker_seq
            self._move(partition, replace(place, marker_seq=place.seen_seq if counts else known))

    def _move(self, partition: TopicPartition, place: Place) -> None:
        before = self._written.get(partition) or self._assigned.places.get(partition)
        if before is None:
            raise FencedError(f"{partition[0]}/{partition[1]} is not held any more")
        self._leases.advance(self._connection, partition, before, place, self._now_ms)
        self._written[partition] = place

    def _split(self, items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
        """What can be written, and what must line up behind held records of its key."""
        if not any(self._assigned.held.values()):
            return list(items), []
        fresh: list[Item] = []
        behind: list[Item] = []
        for item in items:
            partition, key = held_key(item)
            held = key in self._assigned.held.get(partition, {})
            (behind if held else fresh).append(item)
        return fresh, behind

    def _hold_failures(self, failures: Sequence[Failure]) -> None:
        self._failed = bool(failures)
        self._hold(
            (item, WAITING if failure.verdict is Verdict.CONFLICT else PARKED, failure.reason)
            for failure in failures
            for item in failure.work.items
        )

    def _line_up(self, items: Sequence[Item]) -> None:
        held = self._assigned.held
        self._hold(
            (item, held[partition][key], "a change of this key before it is held")
            for item in items
            for partition, key in [held_key(item)]
        )

    def _hold(self, records: Iterable[tuple[Item, str, str]]) -> None:
        holds = []
        for item, state, reason in records:
            partition, key = held_key(item)
            holds.append(Hold(item, state, reason, self._written[partition].seen_seq))
            self._assigned.held.setdefault(partition, {})[key] = state
        self._held.add(self._connection, holds, self._now_ms)
        self.done.held_changed |= bool(holds)

    def _count_markers(self) -> None:
        """Markers count where nothing waits (any more); a table may be complete then."""
        if self.done.held_changed:
            known = self._held.keys(self._connection, self._assigned.places, HELD)
            self._assigned.held = known
            for partition in sorted(self._assigned.places):
                place = self._written.get(partition) or self._assigned.places[partition]
                seq = place.marker_seq if self._assigned.waits(partition) else place.seen_seq
                if seq != place.marker_seq:
                    self._move(partition, replace(place, marker_seq=seq))
        for topic in {partition[0] for partition in self._written}:
            self._fill(topic)

    def _fill(self, topic: str) -> None:
        """Say that a table has its first snapshot, once all of its partitions have passed it."""
        mine = [place for partition, place in self._written.items() if partition[0] == topic]
        if not any(0 < place.complete_seq <= place.marker_seq for place in mine):
            return
        rows = self._connection.execute(
            select(applied_table.c.complete_seq, applied_table.c.marker_seq).where(
                applied_table.c.stream == self._stream, applied_table.c.topic == topic
            )
        )
        name = self._topics[topic].target
        query = select(filled_table.c.name).where(
            filled_table.c.stream == self._stream, filled_table.c.name == name
        )
        done = all(0 < complete <= passed for complete, passed in rows)
        if done and self._connection.execute(query).first() is None:
            filled = {"stream": self._stream, "name": name, "filled_ms": self._now_ms}
            self._connection.execute(insert(filled_table).values(filled))


HELD: Final = 100_000
"""Keys that are known to be held at most; beyond it the applier stops."""


def set_state(connection: Connection, stream: str, state: str, message: str, now_ms: int) -> None:
    """Say in `strangler_stream` how the applier fares, for `status`."""
    connection.execute(
        update(stream_table)
        .where(stream_table.c.stream == stream)
        .values(state=state, message=message, updated_at=now_ms)
    )
