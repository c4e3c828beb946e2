"""Follows one marker from the source's log to the end of the pipe, and times its stages."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from operator import attrgetter
from threading import Event
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cdc.applier import state
from cdc.applier.places import Place
from cdc.change import MarkerKind
from cdc.config.model import Delivery, Stream
from cdc.config.names import command
from cdc.kafka.errors import ReaderError
from cdc.kafka.lookup import Lookup
from cdc.reconcile.barrier import RelayReport, held_back, open_engine, why
from cdc.reconcile.plan import ReconcileError
from cdc.reconcile.report import UNREACHABLE
from cdc.reconcile.unreachable import is_unreachable
from cdc.relay.ports import SourceError
from cdc.sources import open_control

_STAGES = ("written", "relayed", "read", "applied")
_PAUSE = 0.02
_SEEN: Callable[[Place], int] = attrgetter("seen_seq")
_PASSED: Callable[[Place], int] = attrgetter("marker_seq")


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """How long each stage took, in seconds; None for one that the probe did not reach."""

    stream: str
    seq: int | None
    written: float | None = None
    """Until the source had committed it."""
    relayed: float | None = None
    """From there until Kafka had it in every partition."""
    read: float | None = None
    """From there until the applier had read it from every partition."""
    applied: float | None = None
    """From there until everything before it had been applied."""
    partitions: int = 0
    stuck: str | None = None
    """Where it got stuck and what to do; None when it came through."""
    unreachable: bool = False
    """Whether it got stuck at a server that cannot be reached."""

    @property
    def through(self) -> bool:
        """Whether it came out at the end."""
        return self.stuck is None

    @property
    def exit_code(self) -> int:
        """0 when it came through, 1 when it got stuck, 5 where a server cannot be reached."""
        return UNREACHABLE if self.unreachable else int(not self.through)

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))


def probe(
    stream: Stream, *, within: float = 30.0, stop: Event | None = None,
    relay: RelayReport | None = None,
) -> ProbeReport:  # fmt: skip
    """Send a probe through a stream. Raises `ReconcileError` for one without a target."""
    if stream.target is None:
        raise ReconcileError(f"the stream {stream.name} has no `target:` where a probe could end")
    with ExitStack() as stack:
        engine = open_engine(stream)
        stack.callback(engine.dispose)
        probing = _Probing(stream, engine, stop or Event(), within)
        try:
            return probing.run(stack, relay)
        except (SourceError, ReaderError, SQLAlchemyError) as error:
            said = type(error).__name__ if isinstance(error, SQLAlchemyError) else str(error)
            return replace(probing.report(said), unreachable=is_unreachable(error))


class _Probing:
    """One probe under way."""

    def __init__(self, stream: Stream, engine: Engine, stop: Event, within: float) -> None:
        self._stream, self._engine, self._stop = stream, engine, stop
        self._seconds: list[float] = []
        self._last = time.monotonic()
        self._deadline = self._last + within
        self._within = within
        self._seq: int | None = None
        self._partitions: list[tuple[str, int]] = [
            (f"{stream.topics.prefix}.{table.table}", number)
            for table in stream.tables
            for number in range(stream.topics.partitions)
        ]

    def run(self, stack: ExitStack, relay: RelayReport | None) -> ProbeReport:
        """Stage after stage."""
        committed = self._stream.delivery is not Delivery.AT_LEAST_ONCE
        lookup = stack.enter_context(closing(Lookup(self._stream.kafka, committed_only=committed)))
        ends = {each: lookup.watermarks(each)[1] for each in self._partitions}
        control = stack.enter_context(closing(open_control(self._stream)))
        self._last = time.monotonic()
        seq = self._seq = control.mark(self._stream.name, MarkerKind.PROBE, "{}")
        self._passed()
        if not self._until(lambda: _in_kafka(lookup, ends, seq)):
            return self.report(_relay_says(self._stream, relay, self._within))
        for reached in (_SEEN, _PASSED):
            if not self._until(partial(self._reached, reached, seq)):
                with self._engine.connect() as connection:
                    return self.report(why(connection, self._stream, seq, self._within, relay))
        return self.report(None)

    def report(self, stuck: str | None) -> ProbeReport:
        """As far as it came."""
        seconds = [round(each, 4) for each in self._seconds]
        stages: dict[str, Any] = dict(zip(_STAGES, seconds, strict=False))
        return ProbeReport(
            self._stream.name, self._seq, partitions=len(self._partitions), stuck=stuck, **stages
        )

    def _passed(self) -> None:
        now = time.monotonic()
        self._seconds.append(now - self._last)
        self._last = now

    def _until(self, met: Callable[[], bool]) -> bool:
        while not met():
            if time.monotonic() > self._deadline or self._stop.wait(_PAUSE):
                return False
        self._passed()
        return True

    def _reached(self, reached: Callable[[Place], int], seq: int) -> bool:
        with self._engine.connect() as connection:
            places = state.positions(connection, self._stream.name).values()
        return min(map(reached, places), default=0) >= seq


def _in_kafka(lookup: Lookup, ends: dict[tuple[str, int], int], seq: int) -> bool:
    """Whether every partition has the probe; `ends` forgets those that do, and what was read."""
    for partition, start in list(ends.items()):
        for message in lookup.read(partition, start):
            ends[partition] = (message.offset() or 0) + 1
            if _is_probe(message.key(), message.value(), seq):
                del ends[partition]
                break
    return not ends


def _is_probe(key: object, value: object, seq: int) -> bool:
    if key != b'{"marker":"probe"}' or not isinstance(value, bytes):
        return False
    return int(json.loads(value)["marker"]["seq"]) >= seq


def _relay_says(stream: Stream, relay: RelayReport | None, within: float) -> str:
    return held_back(stream, relay) or (
        f"the probe did not come out of the source's log within {within:g} s: the relay of"
        f" {stream.name} does not run (`{command('run', stream)}`), is far behind, or holds markers"
        " back because of dead letters"
    )
