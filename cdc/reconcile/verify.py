"""Compares source and target of a stream, row by row, while writes go on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event

from cdc.config.model import Stream, TableSync
from cdc.reconcile.barrier import BarrierError, RelayReport
from cdc.reconcile.desk import Desk, Options, Progress, open_desk
from cdc.reconcile.dialects.base import KeyText
from cdc.reconcile.plan import Plan, ReconcileError, ordered
from cdc.reconcile.report import Difference, Lack, Report, TableReport, value_of
from cdc.reconcile.rows import CHUNK
from cdc.reconcile.settle import Rows, settle
from cdc.reconcile.sides import Side
from cdc.reconcile.walk import buckets, ranges
from cdc.relay.ports import SourceError


@dataclass(slots=True)
class Tally:
    """What has been found of a table so far; bounded, whatever is found."""

    source_rows: int = 0
    target_rows: int = 0
    ranges: int = 0
    unsettled: int = 0
    clean_at: int = 0
    counts: dict[Lack, int] = field(default_factory=lambda: dict.fromkeys(Lack, 0))
    differences: list[Difference] = field(default_factory=list)


class Comparison:
    """One table: candidates come in, and are settled in batches."""

    def __init__(self, desk: Desk, plan: Plan, looking: tuple[Side, Side], clean_at: int) -> None:
        self.plan, self.tally = plan, Tally(clean_at=clean_at)
        self._desk, self._looking = desk, looking
        self._batch: list[KeyText] = []

    def candidates(self, keys: Iterator[KeyText]) -> None:
        """Keys that seemed to differ."""
        for key in keys:
            self._batch.append(key)
            if len(self._batch) >= self._desk.options.batch:
                self.settle()

    def settle(self) -> None:
        """Look at what is left again. Raises `BarrierError`."""
        if not self._batch:
            return
        options, (source, target) = self._desk.options, self._looking
        found = settle(self._batch, source, target, self._desk.barriers.pass_, options.rounds)
        self._batch = []
        self.tally.clean_at = found.clean_at
        self.tally.unsettled += len(found.unsettled)
        for rows in found.different.values():
            self.tally.counts[_lack(rows)] += 1
        room = options.kept - len(self.tally.differences)
        kept = dict(list(found.different.items())[: max(0, room)])
        self.tally.differences += describe(self.plan, kept, source, target, options.show_values)

    def report(self, seconds: float) -> TableReport:
        """What was found."""
        tally, plan = self.tally, self.plan
        how = plan.python or ("ranges" if ordered(plan, self._desk.databases) else "buckets")
        return TableReport(
            plan.table.table, plan.table.to, tally.source_rows, tally.target_rows, tally.ranges,
            round(seconds, 3), tally.counts[Lack.MISSING], tally.counts[Lack.EXTRA],
            tally.counts[Lack.DIFFERENT], tally.unsettled, tuple(tally.differences),
            plan.left_out, how, tally.clean_at, time.time(),
        )  # fmt: skip


def verify(
    stream: Stream, *, tables: Sequence[str] = (), options: Options = Options(),  # noqa: B008
    progress: Progress = lambda _table, _rows, _estimate: None,
    stop: Event | None = None, relay: RelayReport | None = None,
) -> Report:  # fmt: skip
    """Compare a stream's tables, or those named, one after the other.

    It first waits for what is on its way, so both processes of the stream must run. Whatever makes
    a comparison impossible is the report's `reason`. `relay` tells what the relay says of itself.
    """
    began = time.monotonic()
    reports: list[TableReport] = []
    reason: str | None = None
    try:
        with open_desk(stream, options, stop, relay) as desk:
            chosen_tables = chosen(stream, tables)
            # One by one, so that what was found stays when a later table cannot be compared.
            reports.extend(_compare(desk, table, progress) for table in chosen_tables)
    except (ReconcileError, BarrierError, SourceError) as error:
        reason = str(error)
    return Report(
        stream.name, tuple(reports), round(time.monotonic() - began, 3), time.time(), reason
    )


def chosen(stream: Stream, tables: Sequence[str]) -> list[TableSync]:
    """The tables of these names; all for none. Raises `ReconcileError`."""
    known = {table.table: table for table in stream.tables}
    for name in tables:
        if name not in known:
            raise ReconcileError(
                f"the stream {stream.name} has no table {name}: it has {', '.join(known)}"
            )
    return [known[name] for name in tables] if tables else list(stream.tables)


def _compare(desk: Desk, table: TableSync, progress: Progress) -> TableReport:
    began = time.monotonic()
    clean_at = desk.barriers.pass_()
    plan = desk.plan(table)
    with desk.looking(plan) as looking:
        comparison = Comparison(desk, plan, looking, clean_at)
        estimate = desk.control.estimate(plan.source)
        walk = _in_python if plan.python else _in_databases
        for rows in walk(desk, comparison, estimate):
            progress(table.table, rows, max(rows, estimate))
            if desk.stop.is_set():
                raise ReconcileError(f"it was asked to stop, at {table.table}")
        comparison.settle()
        return comparison.report(time.monotonic() - began)


def _in_databases(desk: Desk, comparison: Comparison, estimate: int) -> Iterator[int]:
    """Rows compared so far, after each step."""
    plan, tally = comparison.plan, comparison.tally
    with desk.sides(plan) as sides:
        if ordered(plan, desk.databases):
            steps = ranges(sides, rows=desk.options.range_rows)
        else:
            steps = iter((buckets(sides, estimate),))
        for step in steps:
            comparison.candidates(step.differing)
            tally.source_rows += step.source_rows
            tally.target_rows += step.target_rows
            tally.ranges += 1
            yield tally.source_rows


def _in_python(desk: Desk, comparison: Comparison, _estimate: int) -> Iterator[int]:
    """First each row of the source, then what only the target has."""
    tally = comparison.tally
    source, target = desk.row_sides(comparison.plan)
    for ours in source.walk(CHUNK):
        theirs = target.look_up(list(ours))
        found = {key: seen.hashed for key, seen in theirs.items()}
        comparison.candidates(key for key, hashed in ours.items() if found.get(key) != hashed)
        tally.source_rows += len(ours)
        tally.ranges += 1
        yield tally.source_rows
    for chunk in target.walk(CHUNK):
        known = source.look_up(list(chunk))
        comparison.candidates(key for key in chunk if key not in known)
        tally.target_rows += len(chunk)
        yield tally.source_rows


def _lack(rows: Rows) -> Lack:
    source, target = rows
    if target is None:
        return Lack.MISSING
    return Lack.EXTRA if source is None else Lack.DIFFERENT


def describe(
    plan: Plan, found: dict[KeyText, Rows], source: Side, target: Side, show: bool
) -> list[Difference]:
    """The differences for people, with the names of the columns that differ."""
    both = [key for key, rows in found.items() if _lack(rows) is Lack.DIFFERENT]
    ours, theirs = source.values(both), target.values(both)
    made = []
    for key, rows in found.items():
        value = tuple(
            value_of(pair.source.kind, text) for pair, text in zip(plan.key, key, strict=True)
        )
        left, right = ours.get(key), theirs.get(key)
        if left is None or right is None:
            made.append(Difference(_lack(rows), value))
            continue
        names = [pair.source.name for pair in plan.pairs]
        unequal = [name for name, a, b in zip(names, left, right, strict=True) if a != b]
        shown = [
            {n: t for n, t in zip(names, texts, strict=True) if n in unequal} if show else None
            for texts in (left, right)
        ]
        made.append(Difference(Lack.DIFFERENT, value, tuple(unequal), *shown))
    return made
