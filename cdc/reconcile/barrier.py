"""Waits until everything that the source has committed so far has been applied at the target."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from cdc.applier import state
from cdc.applier.targets import open_target
from cdc.change import MarkerKind
from cdc.config.model import Stream
from cdc.config.names import command
from cdc.reconcile.forms import SQLITE
from cdc.relay.ports import SourceControl

RelayReport: TypeAlias = Callable[[], Mapping[str, Any] | None]
"""What the relay last said of itself (`cdc.relay.status`); None where nothing is known."""


PATIENCE: Final = 2.0
"""Seconds of waiting after which it is said what is waited for, again and again."""
Waiting: TypeAlias = Callable[[str], None]
"""Told what is waited for, a clause."""


class BarrierError(Exception):
    """A marker did not arrive in time; the message says where it may be and what to do."""


def open_engine(stream: Stream) -> Engine:
    """The target's database, to ask for the applier's tables."""
    target = stream.target or ""
    if make_url(target).get_backend_name() == SQLITE:
        # The applier's own engine begins every transaction as a writer.
        url = make_url(target).set(drivername="sqlite+pysqlite")
        return create_engine(url, hide_parameters=True)
    return open_target(target, stream.name, reverse=stream.reverse).engine


class Barriers:
    """Writes markers and waits for them, for one stream."""

    def __init__(
        self, stream: Stream, control: SourceControl, engine: Engine, within: float,
        stop: Event, relay: RelayReport | None = None, waiting: Waiting = lambda _what: None,
    ) -> None:  # fmt: skip
        """Each barrier is waited for at most `within` seconds."""
        self._waiting = waiting
        self._stream, self._control, self._engine = stream, control, engine
        self._within, self._stop, self._relay = within, stop, relay

    def pass_(self) -> int:
        """Write a barrier and wait for it; its `seq`.

        Raises `BarrierError`, and `SourceError` where it cannot be written.
        """
        return self.wait(self._control.mark(self._stream.name, MarkerKind.BARRIER, "{}"))

    def mark(self, kind: MarkerKind, body: Mapping[str, Any]) -> int:
        """Write another marker; its `seq`. Raises `SourceError`."""
        return self._control.mark(self._stream.name, kind, json.dumps(body))

    def wait(self, seq: int) -> int:
        """Wait for a marker; its `seq`. Raises `BarrierError`."""
        try:
            if self._arrives(seq):
                return seq
            reason = "it was asked to stop" if self._stop.is_set() else self._why(seq, self._within)
        except SQLAlchemyError as error:
            reason = f"the target cannot be asked ({type(error).__name__})"
            raise BarrierError(f"what is on its way did not arrive: {reason}") from error
        raise BarrierError(f"what is on its way did not arrive: {reason}")

    def _arrives(self, seq: int) -> bool:
        """Whether it comes in time; where it takes its time, it is said what is waited for."""
        began = time.monotonic()
        while True:
            left = began + self._within - time.monotonic()
            if state.wait_arrived(
                self._engine, self._stream.name, seq, min(PATIENCE, left), stop=self._stop
            ):
                return True
            if left <= PATIENCE or self._stop.is_set():
                return False
            self._waiting(self._why(seq, round(time.monotonic() - began)))

    def _why(self, seq: int, within: float) -> str:
        with self._engine.connect() as connection:
            return why(connection, self._stream, seq, within, self._relay)


def why(
    connection: Connection, stream: Stream, seq: int, within: float, relay: RelayReport | None
) -> str:
    """Why a marker has not arrived: a sentence part with the remedy."""
    known = state.stream_state(connection, stream.name)
    places = state.positions(connection, stream.name)
    if known is None or not places:
        return f"no applier of {stream.name} has read anything yet: `{command('apply', stream)}`"
    if known.state == "stopped":
        return f"the applier has stopped ({known.message})"
    behind = [place for place in places.values() if place.marker_seq < seq]
    unread = [place for place in behind if place.seen_seq < seq]
    if not unread:
        waiting = state.parked(connection, stream.name)["waiting"]
        return (
            f"{len(behind)} of {len(places)} partitions wait for rows of other partitions"
            f" ({waiting} keys are waiting)"
        )
    if not state.leases(connection, stream.name).holders:
        return f"no applier of {stream.name} is running: `{command('apply', stream)}`"
    if held := held_back(stream, relay):
        return held
    lag = state.lag(connection, stream.name, time.time)
    return (
        f"{len(unread)} of {len(places)} partitions had not seen it after {within:g} s; the target"
        f" is {lag or 0:.1f} s behind: the relay does not run, holds markers back because of dead"
        " letters, or needs more time"
    )


def held_back(stream: Stream, relay: RelayReport | None) -> str | None:
    """Why the relay forwards no markers, with the remedy; None if it does, or says nothing."""
    count = ((relay() or {}) if relay else {}).get("dead_keys")
    if not count:
        return None
    have = "one key has" if count == 1 else f"{count} keys have"
    return (
        f"the relay holds markers back as {have} dead letters: mend what is wrong, then"
        f" `{command('snapshot', stream)}`"
    )
