"""The processes and commands of the relay, for the streams of a place's route table.

The second half of the composition root: `strangler.bootstrap` puts the gateway together, this the
relay. The command line sees only these functions; they return what is printed.
"""

from __future__ import annotations

import gc
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from strangler.admin.failures import Failure, Kind
from strangler.bootstrap import Place, open_place_store
from strangler.cdc_failures import failures

if TYPE_CHECKING:
    from cdc.bootstrap import Home
    from cdc.config.model import Stream

FOLDER = ".strangler"
"""Beside the route table: checkpoints and transactions that are not yet committed."""


@dataclass(frozen=True, slots=True)
class Which:
    """A stream, as the command line names it."""

    place: Place
    name: str
    reverse: bool = False
    """Its reverse direction: from the target back to the source."""
    kafka: str | None = None
    """`host:port,…` instead of the table's brokers."""


def streams(place: Place) -> Mapping[str, Stream]:
    """The streams of the live table version, or of the file where no gateway has ever run."""
    from strangler.bootstrap import checker
    from strangler.rollout.versions import DEFAULT_STORE

    text = None
    if place.store or (place.routes.parent / DEFAULT_STORE).exists():
        with closing(open_place_store(place)) as store:
            live = store.newest()
            text = live.text if live else None
    if text is None:
        text = _file(place)
    checked = checker()(text)
    if checked.table is None:
        problems = tuple(problem.at(str(place.routes)) for problem in checked.problems)
        raise Failure(Kind.INVALID, "the route table has problems", problems)
    return cast("Mapping[str, Stream]", checked.table.sections.get("sync") or {})


def stream(which: Which) -> Stream:
    """One stream; raises `Failure` with those there are."""
    from cdc.bootstrap import at_home
    from cdc.reversing import NotInvertible, reversed_stream

    known = streams(which.place)
    if which.name not in known:
        raise Failure(
            Kind.NOT_FOUND,
            f"there is no stream {which.name} under `sync:`;"
            f" there {'are ' + ', '.join(sorted(known)) if known else 'is none'}",
        )
    found = known[which.name]
    if which.reverse:
        try:
            found = reversed_stream(found)
        except NotInvertible as error:
            raise Failure(
                Kind.REFUSED, f"the stream {which.name} has no reverse direction", error.problems
            ) from error
    return at_home(found, home(which))


def home(which: Which) -> Home:
    """Where the processes of a place keep what is theirs."""
    from cdc.bootstrap import Home

    folder = which.place.routes.parent.absolute() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    store = which.place.store or f"sqlite:///{folder / 'cdc.sqlite3'}"
    brokers = which.kafka or os.environ.get("STRANGLER_KAFKA")
    return Home(
        store=store.replace("postgresql://", "postgresql+psycopg://"),
        folder=folder / "spill",
        brokers=tuple(brokers.split(",")) if brokers else None,
    )


def run(which: Which, *, snapshot: bool, resnapshot: bool, metrics: str | None) -> None:
    """Relay a stream until a signal ends it."""
    from cdc.bootstrap import relay
    from cdc.metrics import exposed
    from cdc.relay.counters import Counters
    from cdc.relay.relay import Wanted
    from strangler.telemetry import logs

    logs.configure()
    with failures():
        wanted, counters = stream(which), Counters()
        running = relay(wanted, home(which), Wanted(snapshot, resnapshot), counters)
        few_collections()
        with exposed(metrics, "relay", wanted.name, counters), until_told() as stop:
            running.run(stop)


def apply(which: Which, *, restart: bool, metrics: str | None) -> None:
    """Apply a stream until a signal ends it."""
    from cdc.bootstrap import applier, forget_offsets
    from cdc.metrics import exposed
    from strangler.telemetry import logs

    logs.configure()
    with failures():
        wanted = stream(which)
        if restart:
            forget_offsets(wanted)
        running = applier(wanted, home(which))
        few_collections()
        with exposed(metrics, "applier", wanted.name, running.counters), until_told() as stop:
            running.run(stop)


def status(
    place: Place, name: str | None, kafka: str | None, *, reverse: bool = False
) -> dict[str, Any]:
    """Where every stream stands: its relay, its applier, the source's log.

    With `reverse` those of the ways back, as far as the streams have one.
    """
    from cdc.reversing import is_invertible
    from cdc.standing import stream_status

    with failures():
        known = streams(place)
        names = [each for each in sorted(known) if not reverse or is_invertible(known[each])]
        return {
            "streams": [
                stream_status(stream(which), home(which).store)
                for which in (
                    Which(place, each, reverse, kafka) for each in ([name] if name else names)
                )
            ]
        }


def ask_snapshot(which: Which, tables: tuple[str, ...], where: str | None) -> dict[str, Any]:
    """Ask the relay for a snapshot, by a marker in the source's log."""
    from cdc.config.names import command

    with failures():
        wanted = stream(which)
        known = {table.table for table in wanted.tables}
        strange = sorted(set(tables) - known)
        if strange:
            raise Failure(
                Kind.NOT_FOUND,
                f"the stream {which.name} has no table {', '.join(strange)};"
                f" it has {', '.join(sorted(known))}",
            )
        chosen = list(tables) or sorted(known)
        body = {"tables": chosen, "where": where}
        if where is not None:
            _try_condition(wanted, chosen, where)
        return {
            "stream": wanted.name,
            "seq": mark(wanted, "snapshot", body),
            **body,
            "next": {"status": command("status", wanted, "--watch")},
        }


def _try_condition(wanted: Stream, tables: Sequence[str], where: str) -> None:
    """Have the source read one row, so that a condition that it does not know is refused here."""
    from cdc.sources import open_control

    keys = {each.table: each.key for each in wanted.tables}
    with closing(open_control(wanted)) as control:
        for table in tables:
            control.chunk(control.relation(table, keys[table]), None, 1, where)


def snapshot_progress(which: Which, seq: int) -> Iterator[list[dict[str, Any]]]:
    """Each table of the snapshot that marker `seq` asked for, twice a second, until it is over.

    What a relay reports no more is done, unless it was refused: then it ends with a `Failure`.
    Waits for the relay without end, as the request stands in the source's log: for a person who may
    press Ctrl-C.
    """
    from cdc.standing import relay_report

    wanted, seen = stream(which), dict[str, dict[str, Any]]()
    while True:
        report = relay_report(wanted, home(which).store) or {}
        ours = f"snapshot-{seq}"
        runs = [each for each in report.get("snapshots", ()) if each["id"] == ours]
        refused = {r["table"]: r["reason"] for r in report.get("refused", ()) if r["id"] == ours}
        for gone in seen.keys() - {each["table"] for each in runs} - refused.keys():
            seen[gone] = seen[gone] | {
                "done": True,
                "rows": max(seen[gone]["rows"], seen[gone]["estimate"]),
            }
        seen |= {each["table"]: each for each in runs}
        yield list(seen.values())
        if report.get("marker_seq", 0) >= seq and not runs:
            _raise_if_refused(wanted.name, refused)
            return
        time.sleep(0.5)


def _raise_if_refused(name: str, refused: Mapping[str, str]) -> None:
    if refused:
        why = "; ".join(f"{table}: {reason}" for table, reason in sorted(refused.items()))
        raise Failure(Kind.REFUSED, f"the relay of {name} refused the snapshot: {why}")


def guard(which: Which, side: str, action: str) -> dict[str, Any]:
    """Install, close, open or remove the guard of one side's tables, and say what it does now."""
    from cdc.bootstrap import switch_guard

    with failures():
        return switch_guard(stream(which), which.name, side, action)


def tail(which: Which, *, table: str | None, from_start: bool) -> Iterator[dict[str, Any]]:
    """The records of a stream's topics as they come, until the caller has enough."""
    from cdc.bootstrap import records

    with failures():
        wanted = stream(which)
        tables = [each.table for each in wanted.tables if table in {None, each.table}]
        if not tables:
            raise Failure(Kind.NOT_FOUND, f"the stream {which.name} has no table {table}")
        yield from records(wanted, tables, from_start=from_start)


def mark(wanted: Stream, kind: str, body: Mapping[str, Any]) -> int:
    """Write a marker into a stream's source; its number."""
    import json

    from cdc.sources import open_control

    with closing(open_control(wanted)) as control:
        return control.mark(wanted.name, kind, json.dumps(body))


def few_collections() -> None:
    """Look for cycles of garbage seldom: these processes make rows by the thousand, and no cycles.

    At Python's own pace a third of the applier's time goes into looking.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@contextmanager
def until_told() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, so that a process ends at its next checkpoint.

    Not by their handler itself, as an event's lock is none that its holder may take again: a second
    signal, or one that comes while the main thread looks at the event, would wait for ever. A
    `SimpleQueue` may be used at any moment.
    """
    stop = threading.Event()
    told: queue.SimpleQueue[int] = queue.SimpleQueue()
    before = {
        number: signal.signal(number, lambda number, _: told.put(number))
        for number in (signal.SIGTERM, signal.SIGINT)
    }

    def pass_on() -> None:
        told.get()
        stop.set()

    threading.Thread(target=pass_on, name="signals", daemon=True).start()
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        told.put(0)


def watching(ask: Callable[[], dict[str, Any]], every: float = 1.0) -> Iterator[dict[str, Any]]:
    """The same question again and again, until the caller has enough."""
    while True:
        yield ask()
        time.sleep(every)


def _file(place: Place) -> str:
    try:
        return place.routes.read_text("utf-8")
    except OSError as error:
        raise Failure(
            Kind.NOT_FOUND, f"{place.routes}: {error.strerror}; name the file with --routes"
        ) from error
