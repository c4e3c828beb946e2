"""Compares source and target of a stream, row by row, while writes go on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Event

from cdc.config.model import Stream, TableSync
from cdc.reconcile.barrier import BarrierError, RelayReport
from cdc.reconcile.compare import Comparison, steps
from cdc.reconcile.desk import Desk, Options, Progress, open_desk
from cdc.reconcile.plan import ReconcileError
from cdc.reconcile.report import Report, TableReport
from cdc.reconcile.unreachable import is_unreachable
from cdc.relay.ports import SourceError


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
    unreachable = False
    try:
        with open_desk(stream, options, stop, relay) as desk:
            chosen_tables = chosen(stream, tables)
            # One by one, so that what was found stays when a later table cannot be compared.
            reports.extend(_compare(desk, table, progress) for table in chosen_tables)
    except (ReconcileError, BarrierError, SourceError) as error:
        stopped = stop is not None and stop.is_set()
        reason = "it was asked to stop" if stopped else str(error)
        unreachable = not stopped and is_unreachable(error)
    return Report(
        stream.name, tuple(reports), round(time.monotonic() - began, 3), time.time(), reason,
        unreachable,
    )  # fmt: skip


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
        for _ in steps(desk, comparison):
            rows = comparison.tally.source_rows
            progress(table.table, rows, max(rows, estimate))
            if desk.stop.is_set():
                raise ReconcileError("it was asked to stop")
        comparison.settle()
        return comparison.report(time.monotonic() - began)
