"""Comparing, repairing and probing the streams of a place's route table: for the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from strangler.admin.failures import Failure, Kind
from strangler.cdc_failures import failures
from strangler.relays import Which, home, stream, until_told


def verify(
    which: Which, tables: tuple[str, ...], *, show_values: bool, within: float,
    progress: Callable[[str, int, int], None], waiting: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Compare a stream's tables; the report, with its exit code."""
    import json

    from cdc.reconcile.desk import Options
    from cdc.reconcile.verify import verify as compare

    with failures():
        options = Options(show_values=show_values, barrier_within=within, waiting=waiting)
        report = compare(
            stream(which), tables=tables, options=options, progress=progress, relay=_relay(which)
        )
    return {**json.loads(report.to_json()), "exit_code": report.exit_code}


def verify_on(which: Which, *, rows_per_second: int) -> Iterator[dict[str, Any]]:
    """Compare again and again, within a budget, until a signal."""
    from dataclasses import asdict

    from cdc.reconcile.continuous import Budget, continuous

    with failures(), until_told() as stop:
        looks = continuous(stream(which), Budget(rows_per_second), stop, relay=_relay(which))
        for look in looks:
            yield asdict(look)


def repair(
    which: Which, table: str | None, keys: tuple[str, ...], *, dry_run: bool, within: float,
    waiting: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Send rows again: those named, or whatever a comparison finds."""
    from dataclasses import asdict

    from cdc.reconcile.desk import Options
    from cdc.reconcile.repair import repair as send
    from cdc.reconcile.repair import repair_all
    from cdc.reconcile.verify import verify as compare

    with failures():
        wanted, relay = stream(which), _relay(which)
        options = Options(barrier_within=within, waiting=waiting)
        if table is not None and keys:
            given = [_key(key) for key in keys]
            done = [
                send(wanted, table, given, dry_run=dry_run, options=options, within=within,
                     relay=relay)
            ]  # fmt: skip
        else:
            tables = (table,) if table else ()
            found = compare(wanted, tables=tables, options=options, relay=relay)
            if found.reason:
                kind = Kind.UNAVAILABLE if found.unreachable else Kind.REFUSED
                raise Failure(kind, found.reason)
            done = list(
                repair_all(wanted, found, dry_run=dry_run, options=options, within=within,
                           relay=relay)
            )  # fmt: skip
    clean = all(not each.left and not each.unsettled for each in done)
    return {"stream": wanted.name, "tables": [asdict(each) for each in done], "clean": clean}


def probe(which: Which, *, within: float) -> dict[str, Any]:
    """Send a probe through a stream; how long each stage took."""
    import json

    from cdc.reconcile.probe import probe as send

    with failures():
        report = send(stream(which), within=within, relay=_relay(which))
    return {**json.loads(report.to_json()), "exit_code": report.exit_code}


def retry(which: Which) -> dict[str, Any]:
    """Let the applier try what it has parked; how many records."""
    from cdc.bootstrap import retry_parked

    with failures():
        wanted = stream(which)
        return {"stream": wanted.name, "records": retry_parked(wanted)}


def _relay(which: Which) -> Callable[[], Mapping[str, Any] | None]:
    """What the stream's relay said of itself last: a barrier that does not come is explained."""
    from cdc.standing import relay_report

    return lambda: relay_report(stream(which), home(which).store)


def _key(given: str) -> tuple[Any, ...]:
    """A key from the command line: a JSON list, or the value of a key of one column."""
    import json

    try:
        value = json.loads(given)
    except ValueError:
        return (given,)
    if isinstance(value, list):
        return tuple(value)
    return (value if isinstance(value, int) else given,)
