"""One table's comparison: what seems to differ is looked at again before it counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from cdc.reconcile.desk import Desk
from cdc.reconcile.dialects.base import ALL, KeyText
from cdc.reconcile.plan import Plan, ordered
from cdc.reconcile.report import Difference, Lack, TableReport, value_of
from cdc.reconcile.rows import CHUNK
from cdc.reconcile.settle import Rows, settle
from cdc.reconcile.sides import Side
from cdc.reconcile.walk import Step, buckets, ranges


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

    def add(self, source_rows: int, target_rows: int) -> None:
        """Count a step."""
        self.source_rows += source_rows
        self.target_rows += target_rows
        self.ranges += 1


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
        kept = dict(islice(found.different.items(), max(0, room)))
        self.tally.differences += describe(self.plan, kept, source, target, options.show_values)

    def taken(self) -> Tally:
        """What was found since it was last taken."""
        taken = self.tally
        self.tally = Tally(clean_at=taken.clean_at)
        return taken

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


def steps(desk: Desk, comparison: Comparison, after: KeyText | None = None) -> Iterator[Step]:
    """Compare a table step by step; whatever differed in a step has been handed on after it.

    `after` is where to go on, for a table that is compared in ranges.
    """
    if comparison.plan.python:
        return _in_python(desk, comparison)
    estimate = desk.control.estimate(comparison.plan.source)
    return _in_databases(desk, comparison, estimate, after)


def _in_databases(
    desk: Desk, comparison: Comparison, estimate: int, after: KeyText | None
) -> Iterator[Step]:
    plan = comparison.plan
    with desk.sides(plan) as sides:
        if ordered(plan, desk.databases):
            steps = ranges(sides, after, desk.options.range_rows)
        else:
            steps = iter((buckets(sides, estimate),))
        for step in steps:
            comparison.candidates(step.differing)
            comparison.tally.add(step.source_rows, step.target_rows)
            yield step


def _in_python(desk: Desk, comparison: Comparison) -> Iterator[Step]:
    """First each row of the source, then what only the target has."""
    source, target = desk.row_sides(comparison.plan)
    for ours in source.walk(CHUNK):
        theirs = target.look_up(list(ours))
        found = {key: seen.hashed for key, seen in theirs.items()}
        comparison.candidates(key for key, hashed in ours.items() if found.get(key) != hashed)
        comparison.tally.add(len(ours), 0)
        yield Step(ALL, len(ours), 0, iter(()))
    for chunk in target.walk(CHUNK):
        known = source.look_up(list(chunk))
        comparison.candidates(key for key in chunk if key not in known)
        comparison.tally.add(0, len(chunk))
        yield Step(ALL, 0, len(chunk), iter(()))


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
