"""One transaction at the target: positions, rows, held records, markers. All of it or nothing.

The first row it writes is one of `strangler_applied`: that is how a source which is read for the
other direction knows that the transaction is an applier's (docs/formats.md, loop prevention).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Connection, insert, select, update

from cdc.applier.collapse import Broken, collapse
from cdc.applier.held import PARKED, WAITING, Held, HeldKey, Stored, key_text
from cdc.applier.leases import FencedError, Leases
from cdc.applier.places import Place, Sifted, TopicTable
from cdc.applier.ports import Stopped, Target, TargetTable, TopicPartition, Verdict
from cdc.applier.records import Item
from cdc.applier.tables import applied_table, filled_table, stream_table
from cdc.applier.writes import Shaper, Statement, Verb, Work, statements

RETRIED: Final = 1_000
"""Held records that one transaction reads back at most."""


@dataclass(slots=True)
class Assigned:
    """What this applier holds: replaced after each commit, from the database after each failure."""

    epoch: int
    places: dict[TopicPartition, Place] = field(default_factory=dict)
    held: dict[TopicPartition, dict[str, str]] = field(default_factory=dict)

    def waits(self, partition: TopicPartition) -> bool:
        """Whether records of the partition wait, so that its markers do not count yet."""
        return WAITING in self.held.get(partition, {}).values()


@dataclass(slots=True)
class Done:
    """What a transaction did."""

    rows: int = 0
    held_changed: bool = False
    mended: int = 0


@dataclass(slots=True)
class _Failure:
    work: Work
    verdict: Verdict
    reason: str


class Transaction:
    """Applies what was sifted. Used once; the caller begins and commits."""

    def __init__(
        self, connection: Connection, stream: str, target: Target, assigned: Assigned,
        leases: Leases, tables: dict[str, TargetTable], topics: dict[str, TopicTable],
        shaper: Shaper, now_ms: int,
    ) -> None:  # fmt: skip
        self._connection, self._stream, self._target = connection, stream, target
        self._assigned, self._leases = assigned, leases
        self._tables, self._topics, self._shaper = tables, topics, shaper
        self._now_ms = now_ms
        self._held = Held(stream)
        self._written: dict[TopicPartition, Place] = {}
        self.done = Done()

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
        works = self._works(fresh)
        if careful:
            self._hold_failures(self._carefully(works))
        else:
            broken = next((w.outcome for w in works if isinstance(w.outcome, Broken)), None)
            if broken is not None:
                raise BrokenError(broken.reason)
            self._write(works)
        self._line_up(behind)
        touched = {_held_key(item) for item in behind}
        if touched or careful or retry:
            self._mend(touched)
        self._count_markers()

    def _advance(self, places: dict[TopicPartition, Place], *, careful: bool) -> None:
        """The positions, first of all. Markers count at once only if no record can be held."""
        self.done.held_changed = careful
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
            partition, key = _held_key(item)
            held = key in self._assigned.held.get(partition, {})
            (behind if held else fresh).append(item)
        return fresh, behind

    def _works(self, items: Sequence[Item]) -> list[Work]:
        by_key: dict[tuple[str, bytes | None], list[Item]] = {}
        for item in items:
            by_key.setdefault((item.record.topic, item.record.key), []).append(item)
        return [
            Work(self._tables[topic], group, collapse(group))
            for (topic, _), group in by_key.items()
        ]

    def _write(self, works: Sequence[Work]) -> None:
        for statement in statements(works, self._shaper):
            self._execute(statement)
        self.done.rows += len(works)

    def _execute(self, statement: Statement) -> None:
        to, table, rows = self._target, statement.table, statement.rows
        if statement.verb is Verb.DELETE:
            to.delete(self._connection, table, statement.key, rows)
        elif statement.verb is Verb.UPSERT:
            to.upsert(self._connection, table, statement.key, statement.columns, rows)
        else:
            to.update(self._connection, table, statement.key, statement.columns, rows)

    def _carefully(self, works: Sequence[Work]) -> list[_Failure]:
        """Halve what fails until each failing row stands alone; everything else is written."""
        if not works:
            return []
        if len(works) == 1 and isinstance(works[0].outcome, Broken):
            return [_Failure(works[0], Verdict.UNFIT, works[0].outcome.reason)]
        if not any(isinstance(work.outcome, Broken) for work in works):
            failed = self._attempt(works)
            if failed is None:
                return []
            if len(works) == 1:
                return [failed]
        middle = len(works) // 2
        return [*self._carefully(works[:middle]), *self._carefully(works[middle:])]

    def _attempt(self, works: Sequence[Work]) -> _Failure | None:
        """Write in a savepoint; what stopped it, if a row did."""
        rows = self.done.rows
        try:
            with self._connection.begin_nested():
                self._write(works)
                self._target.settle(self._connection)
        except Stopped:
            raise
        except Exception as error:
            self.done.rows = rows
            verdict = self._target.judge(error)
            if verdict not in {Verdict.CONFLICT, Verdict.UNFIT}:
                raise
            return _Failure(works[0], verdict, self._reason(works, error))
        return None

    def _reason(self, works: Sequence[Work], error: Exception) -> str:
        if len(works) > 1:
            return ""
        row = getattr(works[0].outcome, "row", None) or getattr(works[0].outcome, "key", {})
        return self._target.explain(self._connection, works[0].table, row, error)

    def _hold_failures(self, failures: Sequence[_Failure]) -> None:
        for failure in failures:
            state = WAITING if failure.verdict is Verdict.CONFLICT else PARKED
            self._store(failure.work.items, state, failure.reason)

    def _line_up(self, items: Sequence[Item]) -> None:
        for item in items:
            partition, key = _held_key(item)
            state = self._assigned.held[partition][key]
            self._store([item], state, "a change of this key before it is held")

    def _store(self, items: Sequence[Item], state: str, reason: str) -> None:
        seen = {partition: place.seen_seq for partition, place in self._written.items()}
        self._held.add(self._connection, items, state, seen, reason, self._now_ms)
        for item in items:
            partition, key = _held_key(item)
            self._assigned.held.setdefault(partition, {})[key] = state
        self.done.held_changed = True

    def _mend(self, touched: set[HeldKey]) -> None:
        """Apply what has become possible, then park what has waited in vain."""
        horizon = self._held.horizon(self._connection)
        keys = touched | {
            (partition, key)
            for partition, held in self._assigned.held.items()
            for key, state in held.items()
            if state == WAITING
        }
        left = self._held.load(self._connection, keys, self._topics, RETRIED)
        while left:
            rest = self._pass(left)
            if len(rest) == len(left):
                break
            left = rest
        stuck = {one.key for one in left}
        self._held.park(
            self._connection,
            [(p, k) for p, k in stuck if self._assigned.held[p].get(k) == WAITING],
            horizon,
        )
        self.done.held_changed |= bool(keys)

    def _pass(self, left: Sequence[Stored]) -> list[Stored]:
        """Try each key as what it comes to; then what fails one by one, in the source's order.

        The latter brings two rows past each other that exchange a unique value: the state between,
        in which neither has it, was collapsed away.
        """
        failures = self._carefully(self._works([one.item for one in left]))
        stuck = {_held_key(failure.work.items[0]) for failure in failures}
        applied = {one.row_id for one in left if one.key not in stuck}
        waiting = [one for one in left if one.key in stuck]
        lengths = Counter(one.key for one in waiting)
        blocked = {key for key, length in lengths.items() if length == 1}
        for one in waiting:
            if one.key not in blocked:
                if self._carefully(self._works([one.item])):
                    blocked.add(one.key)
                else:
                    applied.add(one.row_id)
        self._held.remove(self._connection, applied)
        self.done.mended += len(applied)
        return [one for one in left if one.row_id not in applied]

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


class BrokenError(Exception):
    """A record of the batch can never be applied: for the careful way."""


def _held_key(item: Item) -> HeldKey:
    record = item.record
    return (record.topic, record.partition), key_text(record.key)


def set_state(connection: Connection, stream: str, state: str, message: str, now_ms: int) -> None:
    """Say in `strangler_stream` how the applier fares, for `status`."""
    connection.execute(
        update(stream_table)
        .where(stream_table.c.stream == stream)
        .values(state=state, message=message, updated_at=now_ms)
    )
