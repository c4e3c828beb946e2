"""Where a stream stands, and who works on it: from what its processes leave behind.

A relay reports to the store of checkpoints every second, and says when it ends. An applier renews
its leases in the target, and gives them up when it ends. Whoever is killed does neither: what it
left grows old, so within seconds nobody takes it for one that runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from cdc.applier import state
from cdc.applier.targets import open_target
from cdc.config.model import Stream
from cdc.config.names import command
from cdc.store import open_engine, reports

QUIET: Final = 10.0
"""Seconds without a report after which a relay no longer counts as one that runs."""


def relay_report(stream: Stream, store: str) -> dict[str, Any] | None:
    """What the stream's relay said of itself last, and its `state`; None if it has never run.

    `running`, `stopped` when it has said that it ends, or `silent` when it says nothing.
    """
    engine = open_engine(store)
    try:
        known = (each for each in reports(engine) if each["stream"] == stream.name)
        found = next((each for each in known if each["role"] == "relay"), None)
    finally:
        engine.dispose()
    if found is None:
        return None
    silent = max(0.0, time.time() - found["at_ms"] / 1000)
    ended = found.pop("ended", None)
    standing = "stopped" if ended is not None else "silent" if silent > QUIET else "running"
    return {**found, "state": standing, "silent_s": round(silent, 1), "message": ended or ""}


def stream_status(stream: Stream, store: str) -> dict[str, Any]:
    """Where a stream stands, as far as it can be asked; what cannot be asked says why."""
    return {
        "stream": stream.name,
        "owner": stream.owner,
        "tables": [table.table for table in stream.tables],
        "relay": relay_report(stream, store),
        "applier": _applier(stream),
        "next": {word: command(word, stream) for word in ("run", "apply")},
    }


def workers(stream: Stream, store: str) -> list[str]:
    """The processes of a stream that run now, each as a clause; as far as they can be seen."""
    relay, found = relay_report(stream, store), []
    if relay is not None and relay["state"] == "running":
        found.append(f"its relay runs (process {relay['pid']}, `{command('run', stream)}`)")
    try:
        with _target(stream) as connection:
            holders = [] if connection is None else state.leases(connection, stream.name).holders
    except SQLAlchemyError:  # then no applier writes there either
        holders = []
    for holder in holders:
        host, _, rest = holder.partition("/")
        process = rest.partition("/")[0]
        found.append(
            f"its applier runs (process {process} on {host}, `{command('apply', stream)}`)"
        )
    return found


def _applier(stream: Stream) -> dict[str, Any] | None:
    try:
        with _target(stream) as connection:
            return None if connection is None else _applied(connection, stream)
    except SQLAlchemyError as error:
        known_missing = "strangler_stream" in str(error)
        return {"state": "never started" if known_missing else "unreachable",
                "message": "" if known_missing else _words(error)}  # fmt: skip


def _words(error: SQLAlchemyError) -> str:
    """The driver's own: SQLAlchemy's carry the statement, and a link."""
    return (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0]


def _applied(connection: Connection, stream: Stream) -> dict[str, Any]:
    known = state.stream_state(connection, stream.name)
    leases = state.leases(connection, stream.name)
    return {
        "state": state.standing(known, leases),
        "message": known.message if known else "",
        "silent_s": leases.silent,
        "holders": leases.holders,
        "lag_s": state.lag(connection, stream.name, time.time),
        "partitions": len(state.positions(connection, stream.name)),
        "filled": sorted(state.filled(connection, stream.name)),
        **state.parked(connection, stream.name),
    }


@contextmanager
def _target(stream: Stream) -> Iterator[Connection | None]:
    """A session on the stream's target; None where it has none."""
    if stream.target is None:
        yield None
        return
    engine = open_target(stream.target, stream.name, reverse=stream.reverse).engine
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
