"""What the applier's tables say, for whoever waits for it or watches it.

All of it may be asked before any applier has ever run: then nothing is known, which is no error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from sqlalchemy import Connection, Engine, func, inspect, select, update

from cdc.applier.leases import live, place_of
from cdc.applier.places import Place
from cdc.applier.ports import TopicPartition
from cdc.applier.tables import (
    applied_table,
    filled_table,
    metadata,
    now_ms,
    parked_table,
    stream_table,
)

_T, _P = applied_table.c, parked_table.c


def never_ran(connection: Connection) -> bool:
    """Whether the target has none of the applier's tables yet."""
    known = inspect(connection)
    return not all(known.has_table(name) for name in metadata.tables)


@dataclass(frozen=True, slots=True)
class StreamState:
    """A stream as its target knows it."""

    epoch: int
    state: str
    """`running` or `stopped`."""
    message: str
    """Why it stopped; empty while it runs."""


def stream_state(connection: Connection, stream: str) -> StreamState | None:
    """The stream's row; None where no applier has ever run."""
    if never_ran(connection):
        return None
    query = select(stream_table).where(stream_table.c.stream == stream)
    row = connection.execute(query).first()
    return None if row is None else StreamState(row.epoch, row.state, row.message)


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a stream's leases."""

    holders: tuple[str, ...]
    """The appliers whose leases have not run out: those that work."""
    silent: float | None
    """Seconds since the newest of the leases that have run out did; None where none has."""


def leases(connection: Connection, stream: str) -> Held:
    """Who holds the stream's partitions now, by the target's own clock."""
    if never_ran(connection):
        return Held((), None)
    now = now_ms(connection)
    query = select(_T.lease_owner, now - _T.lease_until, live(now)).where(
        _T.stream == stream, _T.lease_owner.is_not(None)
    )
    rows = connection.execute(query).all()
    working = {owner for owner, _, is_live in rows if is_live}
    late = [max(0, since) for _, since, is_live in rows if not is_live]
    return Held(
        tuple(sorted(working)), round(min(late) / 1000, 1) if late and not working else None
    )


def standing(known: StreamState | None, leases: Held) -> str:
    """What an applier does, in a word. Pure.

    `running` is also the last word of one that was killed, so it counts with a lease only. One
    that ended in order has given its leases up.
    """
    if known is None:
        return "never started"
    if known.state != "running" or leases.holders:
        return known.state
    return "not running" if leases.silent is None else "silent"


def arrived(connection: Connection, stream: str, seq: int) -> bool:
    """Whether every change before the marker `seq` has been dealt with.

    Dealt with: applied, or parked. Who must know that nothing is missing asks `parked` too.
    """
    if never_ran(connection):
        return False
    query = select(func.min(_T.marker_seq)).where(_T.stream == stream)
    passed = connection.execute(query).scalar()
    return passed is not None and passed >= seq


def wait_arrived(
    engine: Engine, stream: str, seq: int, timeout: float, *, stop: Event | None = None,
    pause: float = 0.05,
) -> bool:  # fmt: skip
    """Wait until the marker has arrived; False after `timeout` seconds or when `stop` is set."""
    stop = stop or Event()
    for _ in range(max(1, round(timeout / pause))):
        with engine.connect() as connection:
            if arrived(connection, stream, seq):
                return True
        if stop.wait(pause):
            return False
    return False


def positions(connection: Connection, stream: str) -> dict[TopicPartition, Place]:
    """How far each partition has been applied."""
    if never_ran(connection):
        return {}
    rows = connection.execute(select(applied_table).where(_T.stream == stream))
    return {(row.topic, row.partition): place_of(row) for row in rows}


def lag(connection: Connection, stream: str, now: Callable[[], float]) -> float | None:
    """Seconds since the source's last commit that every partition has; None before the first.

    Markers count, so an idle stream's lag stays below the pause of its heartbeat.
    """
    if never_ran(connection):
        return None
    query = select(func.min(_T.committed_ms)).where(_T.stream == stream)
    oldest = connection.execute(query).scalar()
    return max(0.0, now() - oldest / 1000) if oldest else None


def parked(connection: Connection, stream: str) -> dict[str, int]:
    """How many keys are `waiting` and how many `parked`; both are there, also as 0."""
    if never_ran(connection):
        return {"waiting": 0, "parked": 0}
    keys = (
        select(func.max(_P.state).label("state"))
        .where(_P.stream == stream)
        .group_by(_P.topic, _P.partition, _P.key_json)
        .subquery()
    )
    rows = connection.execute(select(keys.c.state, func.count()).group_by(keys.c.state))
    return {"waiting": 0, "parked": 0} | dict(rows.all())


def filled(connection: Connection, stream: str) -> set[str]:
    """The target's tables whose first snapshot has been applied completely."""
    if never_ran(connection):
        return set()
    query = select(filled_table.c.name).where(filled_table.c.stream == stream)
    return set(connection.execute(query).scalars())


def retry(connection: Connection, stream: str) -> int:
    """Let the applier try what is parked once more (after a repair by hand); how many records.

    They wait as if they had just come: they are parked again when the next marker has passed.
    """
    if never_ran(connection):
        return 0
    newest = select(func.max(_T.seen_seq)).where(_T.stream == stream).scalar_subquery()
    done = connection.execute(
        update(parked_table)
        .where(_P.stream == stream, _P.state == "parked")
        .values(state="waiting", after_seq=newest)
    )
    return done.rowcount


def restart(connection: Connection, stream: str) -> None:
    """Let the stream be read from the start of Kafka's log, after it was further behind than that.

    What lies between is lost to the target until a snapshot brings it: ask for one first.
    """
    connection.execute(
        update(applied_table)
        .where(_T.stream == stream)
        .values(next_offset=None, topic_id=None, truncate_at=None)
    )
