"""Compares a stream for as long as it runs, slowly, and tells each difference once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event

from cdc.config.model import Stream, TableSync
from cdc.reconcile.barrier import BarrierError, RelayReport
from cdc.reconcile.compare import Comparison, steps
from cdc.reconcile.desk import Options, open_desk
from cdc.reconcile.dialects.base import KeyText
from cdc.reconcile.plan import ReconcileError
from cdc.reconcile.report import Difference
from cdc.relay.ports import SourceError

REMEMBERED = 100_000
"""Differences of a lap that are remembered; later ones would be told again in the next lap."""
PAUSE_AFTER_FAILURE = 10.0
_RANGE = 10_000


@dataclass(frozen=True, slots=True)
class Position:
    """Where a walk goes on: kept by the caller, handed back after a restart."""

    table: str
    after: tuple[str | None, ...] | None = None
    """Canonical texts of the last key that was compared; None for the table's beginning."""


@dataclass(frozen=True, slots=True)
class Look:
    """One range that was compared, or why it could not be."""

    table: str
    rows: int
    new: tuple[Difference, ...]
    """Differences that were not there in the last lap, as far as that is remembered."""
    unsettled: int
    clean_at: int
    """The marker at which everything else of the range was equal."""
    next: Position
    reason: str | None = None
    """Why nothing was compared; it is tried again."""


@dataclass(slots=True)
class _Laps:
    """Which differences this lap and the last one have seen."""

    last: set[tuple[str, tuple[object, ...]]] = field(default_factory=set)
    this: set[tuple[str, tuple[object, ...]]] = field(default_factory=set)

    def new(self, table: str, found: Sequence[Difference]) -> tuple[Difference, ...]:
        fresh = []
        for difference in found:
            named = (table, difference.key)
            if named not in self.last and named not in self.this:
                fresh.append(difference)
            if len(self.this) < REMEMBERED:
                self.this.add(named)
        return tuple(fresh)

    def turn(self) -> None:
        self.last, self.this = self.this, set()


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a walk may take."""

    rows_per_second: float
    share: float = 0.25
    """Of the time, in which a database works for it: a quarter of a core of each server."""
    lap: float = 60.0
    """Seconds that a lap over all tables takes at least."""

    def pause(self, rows: int, seconds: float) -> float:
        """Seconds to rest after so many rows in so many seconds."""
        by_rows = rows / self.rows_per_second - seconds
        by_share = seconds * (1 - self.share) / self.share
        return max(0.0, by_rows, by_share)


def continuous(
    stream: Stream, budget: Budget, stop: Event, *, resume: Position | None = None,
    options: Options = Options(range_rows=_RANGE),  # noqa: B008
    relay: RelayReport | None = None,
) -> Iterator[Look]:  # fmt: skip
    """Walk over all tables again and again until `stop` is set, from `resume` on.

    A table that cannot be walked in ranges is compared in one pass, and rested for afterwards.
    Failures are looks too: the walk waits, and goes on where it was.
    """
    laps = _Laps()
    position = resume
    while not stop.is_set():
        began = time.monotonic()
        for table in _from(stream, position):
            after = position.after if position and position.table == table.table else None
            yield from _table(stream, table, after, _Walk(budget, stop, options, relay, laps))
            position = None
            if stop.is_set():
                return
        laps.turn()
        stop.wait(max(0.0, budget.lap - (time.monotonic() - began)))


def _from(stream: Stream, position: Position | None) -> list[TableSync]:
    names = [table.table for table in stream.tables]
    start = names.index(position.table) if position and position.table in names else 0
    return list(stream.tables[start:])


@dataclass(frozen=True, slots=True)
class _Walk:
    budget: Budget
    stop: Event
    options: Options
    relay: RelayReport | None
    laps: _Laps


def _table(stream: Stream, table: TableSync, after: KeyText | None, walk: _Walk) -> Iterator[Look]:
    """All of one table, however often it fails in between."""
    position = Position(table.table, after)
    while not walk.stop.is_set():
        try:
            for look in _looks(stream, table, position.after, walk):
                position = look.next
                yield look
        except (ReconcileError, BarrierError, SourceError) as error:
            yield Look(table.table, 0, (), 0, 0, position, str(error))
            walk.stop.wait(PAUSE_AFTER_FAILURE)
        else:
            return


def _looks(stream: Stream, table: TableSync, after: KeyText | None, walk: _Walk) -> Iterator[Look]:
    with open_desk(stream, walk.options, walk.stop, walk.relay) as desk:
        clean_at = desk.barriers.pass_()
        plan = desk.plan(table)
        with desk.looking(plan) as looking:
            comparison = Comparison(desk, plan, looking, clean_at)
            began = time.monotonic()
            for step in steps(desk, comparison, after):
                comparison.settle()
                found = comparison.taken()
                seconds, rows = time.monotonic() - began, max(step.source_rows, step.target_rows)
                yield Look(
                    table.table, rows, walk.laps.new(table.table, found.differences),
                    found.unsettled, found.clean_at, Position(table.table, step.segment.last),
                )  # fmt: skip
                if walk.stop.wait(walk.budget.pause(rows, seconds)):
                    return
                began = time.monotonic()
