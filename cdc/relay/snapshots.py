"""Drives snapshots and repairs from the markers that the relay sees in the log."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from cdc.change import ABSENT, Marker, MarkerKind, Relation, Row
from cdc.relay.chunks import ChunkReader
from cdc.relay.counters import Counters
from cdc.relay.emitter import Emitter
from cdc.relay.ports import SourceError
from cdc.relay.reading import Reading, keys_of
from cdc.snapshot import ADDED, INITIAL, MOST_AGAIN, Run, Touched

REMEMBERED = 100_000
"""Transactions whose names are remembered while no snapshot runs, as their keys are not."""
MOST_RUNS = 1_000
"""Snapshots and repairs that may wait; more are refused, as the checkpoint carries them."""
MOST_REFUSED = 20
"""Refusals that are remembered, for whoever asked and waits."""
_AGAIN = "again-"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Refused:
    """What was asked for and cannot be done."""

    id: str
    table: str
    reason: str


class Snapshots:
    """The runs of one stream, one at a time and in order, the shortest kinds first."""

    def __init__(
        self, reader: ChunkReader, emitter: Emitter, counters: Counters, tables: Sequence[str],
        runs: Sequence[Run],
    ) -> None:  # fmt: skip
        self._reader, self._emitter, self._counters = reader, emitter, counters
        self._tables = frozenset(tables)
        self._refused: deque[Refused] = deque(maxlen=MOST_REFUSED)
        self._runs: list[Run] = []
        for run in runs:
            self._add(run)
        self._recent: deque[str] = deque(maxlen=REMEMBERED)
        self._reading: Run | None = None
        """The run that is being read, as it was when that began."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """What is not finished, in order; a `done` run waits for its COMPLETE marker."""
        return tuple(self._runs)

    @property
    def refused(self) -> tuple[Refused, ...]:
        """What was refused last, since this session began; the newest at the end."""
        return tuple(self._refused)

    def estimate(self, run: Run) -> int:
        """About how many rows a run has to send; 0 while nobody knows, as with a condition."""
        return 0 if run.where else self._reader.estimates.get(run.table, 0)

    @property
    def complete(self) -> tuple[Run, ...]:
        """Runs whose rows have all been sent, and whose completeness is to be marked."""
        unfinished = {run.table for run in self._runs if _is_short(run)}
        return tuple(run for run in self._runs if run.done and run.table not in unfinished)

    @property
    def owing(self) -> bool:
        """Whether rows have to be read again that were sent in part only."""
        return any(_is_again(run) for run in self._runs)

    def began(self, xid: str) -> None:
        """A transaction is streamed; remembered, in case a snapshot starts soon."""
        if self._emitter.touched is None:
            self._recent.append(xid)

    def go_on(self) -> None:
        """Start what waits; raises what ended the reader."""
        if self._reader.failure is not None:
            self._failed(self._reader.failure)
        run = next((run for run in self._runs if not run.done), None)
        if run is None:
            self._emitter.touched = self._reading = None
        elif self._reading is None or not _same(run, self._reading):
            if self._emitter.touched is None:
                self._emitter.touched = Touched(frozenset(self._recent))
                self._recent.clear()
            self._start(run)

    def seen(self, marker: Marker) -> bool:
        """A marker in the log; whether it was one of a snapshot's."""
        match marker.kind:
            case MarkerKind.LOW:
                self._low(str(marker.body.get("token")))
            case MarkerKind.HIGH:
                self._high(str(marker.body.get("token")))
            case MarkerKind.SNAPSHOT | MarkerKind.REPAIR:
                self._ask(marker)
            case _:
                return False
        return True

    def completed(self, body: dict[str, Any]) -> None:
        """The COMPLETE marker of a run was forwarded: nothing is left of it."""
        self._runs = [
            run for run in self._runs
            if not (run.done and run.id == body.get("run") and run.table == body.get("table"))
        ]  # fmt: skip

    def again(self, halves: Mapping[str, Sequence[Row]]) -> None:
        """Read rows again that were sent in part only, by table and key."""
        for table, keys in halves.items():
            self._again(table, keys)

    def close(self) -> None:
        """End the reader."""
        self._reader.close()

    def _start(self, run: Run) -> None:
        self._reading = run
        self._reader.start(run)

    def _failed(self, failure: Exception) -> None:
        """What a person has asked for ends with its failure; the stream itself must not."""
        run = self._reading
        temporary = isinstance(failure, SourceError) and failure.temporary
        if run is None or temporary or _is_again(run) or run.id in {INITIAL, ADDED}:
            raise failure
        # Refused before it is gone: a report in between would take it for done.
        self._ignore(run.id, run.table, str(failure))
        self._runs = [each for each in self._runs if not _same(each, run)]
        self._reader.stop()
        self._reading = None

    def _ignore(self, run: str, table: str, reason: str) -> None:
        self._refused.append(Refused(run, table, reason))
        self._counters.refused_runs += 1
        log.error("snapshot_refused", run=run, table=table, reason=reason)

    def _low(self, token: str) -> None:
        if self._emitter.touched is not None and self._reader.knows(token):
            self._emitter.touched.low()

    def _high(self, token: str) -> None:
        reading, touched = self._reader.take(token), self._emitter.touched
        position = None if reading is None else self._position(reading.run)
        if reading is None or touched is None or position is None:
            return
        run = self._runs[position]
        if not touched.trustworthy(reading.chunk.visible):
            self._counters.chunks_again += 1
            self._start(run)
            return
        self._runs[position : position + 1] = self._advanced(reading)
        if reading.last:
            self._reading = None
        self._emit(run, reading, touched)
        touched.forget(reading.chunk.visible)

    def _position(self, wanted: Run) -> int | None:
        return next(
            (i for i, run in enumerate(self._runs) if not run.done and _same(run, wanted)), None
        )

    def _emit(self, run: Run, reading: Reading, touched: Touched) -> None:
        chunk = reading.chunk
        keys = keys_of(chunk.relation, chunk.rows)
        verdict = touched.judge(run.table, keys, chunk.visible)
        for index in verdict.send:
            self._emitter.read(chunk.relation, chunk.rows[index])
        if verdict.again:
            self._again(run.table, [keys[index] for index in verdict.again])
        for index in touched.judge(run.table, reading.gone, chunk.visible).send:
            self._emitter.missing(chunk.relation, _only_key(chunk.relation, reading.gone[index]))

    def _again(self, table: str, keys: Sequence[Row]) -> None:
        """Read single rows once more, before whatever else waits."""
        waiting = [run for run in self._runs if _is_again(run)]
        number = 1 + max((int(run.id.removeprefix(_AGAIN)) for run in waiting), default=0)
        few = tuple(keys) if len(keys) <= MOST_AGAIN else None
        self._insert(Run(f"{_AGAIN}{number}", table, keys=few))

    def _insert(self, run: Run) -> None:
        """Before all snapshots that are not done, and after what was inserted earlier."""
        place = (
            i for i, each in enumerate(self._runs)
            if not each.done and not _is_short(each)
        )  # fmt: skip
        self._runs.insert(next(place, len(self._runs)), run)

    def _advanced(self, reading: Reading) -> list[Run]:
        return [] if reading.last and _is_short(reading.run) else [reading.then]

    def _ask(self, marker: Marker) -> None:
        try:
            runs = _asked(marker, self._tables)
        except (TypeError, ValueError) as error:
            self._ignore(f"{marker.kind}-{marker.seq}", "?", f"it cannot be read: {error}")
            return
        for run in runs:
            self._add(run)

    def _add(self, run: Run) -> None:
        if any(_same(run, other) for other in self._runs):
            return  # the same marker, read again after a restart
        if run.table not in self._tables:
            self._ignore(run.id, run.table, "the table is not one of the stream's")
        elif len(self._runs) >= MOST_RUNS:
            self._ignore(run.id, run.table, f"{MOST_RUNS} others wait")
        elif _is_short(run):
            self._insert(run)
        else:
            self._runs.append(run)


def _same(run: Run, other: Run) -> bool:
    return run.id == other.id and run.table == other.table


def _is_again(run: Run) -> bool:
    return run.id.startswith(_AGAIN)


def _asked(marker: Marker, tables: Iterable[str]) -> list[Run]:
    """What a marker asks for. Raises `ValueError` or `TypeError` for what nobody can read."""
    body, id_ = marker.body, f"{marker.kind}-{marker.seq}"
    if marker.kind == MarkerKind.SNAPSHOT:
        where, wanted = body.get("where"), body.get("tables") or sorted(tables)
        if not (where is None or isinstance(where, str)) or not isinstance(wanted, list):
            raise ValueError("`tables` is a list of names, `where` a condition")
        return [Run(id_, str(table), where=where) for table in wanted]
    keys = body.get("keys") or []
    if not all(isinstance(value, (str, int, float)) for key in keys for value in key):
        raise ValueError("`keys` is a list of lists of values")
    return [Run(id_, str(body.get("table")), keys=tuple(map(tuple, keys)))] if keys else []


def _is_short(run: Run) -> bool:
    """A repair, or rows again: goes first, and leaves no COMPLETE marker."""
    return run.keys is not None or _is_again(run)


def _only_key(relation: Relation, key: Row) -> Row:
    values = dict(zip(relation.key, key, strict=True))
    return tuple(values.get(index, ABSENT) for index in range(len(relation.columns)))
