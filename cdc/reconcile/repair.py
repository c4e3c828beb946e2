"""Sends single rows again through the pipe, so that the target gets what the source has.

A repair writes nothing into the target itself: the relay reads the rows, in their place among all
other changes, and sends a deletion for each key that the source does not have.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from threading import Event

from cdc.change import MarkerKind, Row, Value
from cdc.config.model import Stream
from cdc.reconcile.barrier import PATIENCE, RelayReport
from cdc.reconcile.canonical import canonical
from cdc.reconcile.compare import describe
from cdc.reconcile.desk import Desk, Options, open_desk
from cdc.reconcile.dialects.base import KeyText
from cdc.reconcile.plan import Plan, ReconcileError
from cdc.reconcile.report import Difference, Outcome, Report
from cdc.reconcile.settle import settle
from cdc.reconcile.verify import chosen

AT_ONCE = 500
"""Keys of one marker."""
REPAIR_WITHIN = 60.0
"""Seconds for a batch to arrive. The relay does one after the other, snapshots among them."""


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a repair did, or would do."""

    table: str
    sent: int
    """Keys whose rows the source has."""
    deleted: int
    """Keys that it does not have, and that the target shall not have either."""
    dry_run: bool
    left: tuple[Difference, ...]
    """What differs still."""
    unsettled: int
    """Rows that were written between every two looks."""
    seconds: float

    @property
    def outcome(self) -> Outcome:
        """Whether the rows are equal now; unknown after a dry run."""
        if self.left:
            return Outcome.DIFFERENT
        return Outcome.UNKNOWN if self.unsettled or self.dry_run else Outcome.EQUAL

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self) | {"outcome": self.outcome})


def repair(
    stream: Stream, table: str, keys: Sequence[Sequence[Value]], *, dry_run: bool = False,
    options: Options = Options(), within: float = REPAIR_WITHIN,  # noqa: B008
    stop: Event | None = None, relay: RelayReport | None = None,
) -> RepairReport:  # fmt: skip
    """Send the rows with these keys again, and wait until both sides are equal there.

    `keys` are in the source's order and forms, as a `Difference` has them. Raises
    `ReconcileError`, `BarrierError` and `SourceError`.
    """
    began = time.monotonic()
    with open_desk(stream, options, stop, relay) as desk:
        plan = desk.plan(chosen(stream, [table])[0])
        sent = deleted = unsettled = 0
        left: list[Difference] = []
        for start in range(0, len(keys), AT_ONCE):
            batch = _batch(desk, plan, [tuple(key) for key in keys[start : start + AT_ONCE]])
            sent, deleted = sent + batch.present, deleted + len(batch.keys) - batch.present
            if not dry_run:
                found, restless = _send(desk, plan, batch, within)
                left, unsettled = left + found, unsettled + restless
        seconds = round(time.monotonic() - began, 3)
        return RepairReport(table, sent, deleted, dry_run, tuple(left), unsettled, seconds)


def repair_all(
    stream: Stream, report: Report, *, dry_run: bool = False,
    options: Options = Options(), within: float = REPAIR_WITHIN,  # noqa: B008
    stop: Event | None = None, relay: RelayReport | None = None,
) -> Iterator[RepairReport]:  # fmt: skip
    """Repair the differences that a report names, table by table.

    A report names the first of many only: verify again until nothing differs, or ask for a
    snapshot where most rows do.
    """
    if report.stream != stream.name:
        raise ReconcileError(f"the report is of {report.stream}, not of {stream.name}")
    for table in report.tables:
        if table.differences:
            keys = [difference.key for difference in table.differences]
            yield repair(
                stream, table.table, keys, dry_run=dry_run, options=options, within=within,
                stop=stop, relay=relay,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Batch:
    keys: tuple[Row, ...]
    """As the source writes them, where it has them: the relay compares them with its rows."""
    texts: tuple[KeyText, ...]
    present: int


def _batch(desk: Desk, plan: Plan, keys: Sequence[Row]) -> _Batch:
    wanted = {_text(plan, key): key for key in keys}
    if any(len(key) != len(plan.key) for key in keys):
        raise ReconcileError(
            f"a key of {plan.table.table} has {len(plan.key)} values:"
            f" {', '.join(pair.source.name for pair in plan.key)}"
        )
    rows = desk.control.rows(plan.source, list(wanted.values())).rows if wanted else ()
    found = [tuple(row[index] for index in plan.source.key) for row in rows]
    exact = {_text(plan, key): key for key in found}
    known = {text: exact.get(text, key) for text, key in wanted.items()}
    return _Batch(tuple(known.values()), tuple(known), len(exact.keys() & known.keys()))


def _text(plan: Plan, key: Row) -> KeyText:
    return tuple(canonical(pair.form, value) for pair, value in zip(plan.key, key, strict=False))


def _send(desk: Desk, plan: Plan, batch: _Batch, within: float) -> tuple[list[Difference], int]:
    """Ask the relay, and look until nothing differs or the time is over.

    A barrier alone would not do: the relay sends the rows after whatever it is asked for earlier.
    """
    body = {"table": plan.table.table, "keys": [list(key) for key in batch.keys]}
    desk.barriers.mark(MarkerKind.REPAIR, body)
    began, pending = time.monotonic(), list(batch.texts)
    with desk.looking(plan) as (source, target):
        while True:
            found = settle(pending, source, target, desk.barriers.pass_, desk.options.rounds)
            pending = [*found.different, *found.unsettled]
            waited = time.monotonic() - began
            if pending and waited > PATIENCE:
                desk.options.waiting(
                    f"{len(pending)} rows of {plan.table.table} have yet to arrive: the relay does"
                    " first what it was asked for before, such as a snapshot"
                )
            if not pending or desk.stop.is_set() or waited > within:
                left = describe(plan, found.different, source, target, desk.options.show_values)
                return left, len(found.unsettled)
