"""Drives snapshots and repairs from the markers that the relay sees in the log."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cdc.change import ABSENT, Marker, MarkerKind, Relation, Row
from cdc.relay.chunks import ChunkReader, Reading, key_of
from cdc.relay.counters import Counters
from cdc.relay.emitter import Emitter
from cdc.snapshot import Run, Touched

REMEMBERED = 100_000
"""Transactions whose names are remembered while no snapshot runs, as their keys are not."""
MOST_RUNS = 1_000
"""Snapshots and repairs that may wait; more are refused, as the checkpoint carries them."""


class Snapshots:
    """The runs of one stream, one at a time and in order."""

    def __init__(
        self, reader: ChunkReader, emitter: Emitter, counters: Counters, tables: Sequence[str],
        runs: Sequence[Run],
    ) -> None:  # fmt: skip
        self._reader, self._emitter, self._counters = reader, emitter, counters
        self._tables = frozenset(tables)
        self._runs = list(runs)
        self._recent: deque[str] = deque(maxlen=REMEMBERED)
        self._reading: str | None = None
        self._retries = 0

    @property
    def runs(self) -> tuple[Run, ...]:
        """What is not finished, in order; a `done` run waits for its COMPLETE marker."""
        return tuple(self._runs)

    def estimate(self, table: str) -> int:
        """About how many rows a snapshot of the table has to send; 0 while nobody knows."""
        return self._reader.estimates.get(table, 0)

    @property
    def complete(self) -> tuple[Run, ...]:
        """Runs whose rows have all been sent, and whose completeness is to be marked."""
        unfinished = {run.table for run in self._runs if not run.done and run.keys is not None}
        return tuple(run for run in self._runs if run.done and run.table not in unfinished)

    def began(self, xid: str) -> None:
        """A transaction is streamed; remembered, in case a snapshot starts soon."""
        if self._emitter.touched is None:
            self._recent.append(xid)

    def go_on(self) -> None:
        """Start what waits; raises what ended the reader."""
        if self._reader.failure is not None:
            raise self._reader.failure
        run = next((run for run in self._runs if not run.done), None)
        if run is None:
            self._emitter.touched = None
            self._reading = None
        elif self._reading != run.id + run.table:
            if self._emitter.touched is None:
                self._emitter.touched = Touched(frozenset(self._recent))
                self._recent.clear()
            self._reading = run.id + run.table
            self._reader.start(run)

    def seen(self, marker: Marker) -> bool:
        """A marker in the log; whether it was one of a snapshot's."""
        match marker.kind:
            case MarkerKind.LOW:
                self._low()
            case MarkerKind.HIGH:
                self._high(marker.body)
            case MarkerKind.SNAPSHOT:
                self._ask(marker)
            case MarkerKind.REPAIR:
                self._repair(marker)
            case _:
                return False
        return True

    def completed(self, body: dict[str, Any]) -> None:
        """The COMPLETE marker of a run was forwarded: nothing is left of it."""
        self._runs = [
            run for run in self._runs
            if not (run.done and run.id == body.get("run") and run.table == body.get("table"))
        ]  # fmt: skip

    def stop(self) -> None:
        """End the reader."""
        self._reader.stop()

    def _low(self) -> None:
        if self._emitter.touched is not None:
            self._emitter.touched.low()

    def _high(self, body: dict[str, Any]) -> None:
        reading = self._reader.take(str(body.get("token")))
        touched = self._emitter.touched
        if reading is None or touched is None or not self._runs:
            return
        position = next(i for i, run in enumerate(self._runs) if not run.done)
        run = self._runs[position]
        if not touched.trustworthy(reading.chunk.visible):
            self._counters.chunks_again += 1
            self._reader.start(run)
            return
        self._runs[position : position + 1] = self._advanced(run, reading)
        self._emit(run, reading, touched)
        touched.forget(reading.chunk.visible)

    def _emit(self, run: Run, reading: Reading, touched: Touched) -> None:
        chunk = reading.chunk
        keys = [key_of(chunk.relation, row) for row in chunk.rows]
        verdict = touched.judge(run.table, keys, chunk.visible)
        for index in verdict.send:
            self._emitter.read(chunk.relation, chunk.rows[index])
        if verdict.again:
            self._again(run, [keys[index] for index in verdict.again])
        if run.keys is not None:
            gone = sorted(set(run.keys).difference(keys), key=repr)
            for index in touched.judge(run.table, gone, chunk.visible).send:
                self._emitter.missing(chunk.relation, _only_key(chunk.relation, gone[index]))

    def _again(self, run: Run, keys: Sequence[Row]) -> None:
        """Read single rows once more, before whatever else waits."""
        self._retries += 1
        again = Run(f"again-{self._retries}", run.table, keys=tuple(keys))
        waiting = next((i for i, each in enumerate(self._runs) if not each.done), len(self._runs))
        self._runs.insert(waiting, again)

    def _advanced(self, run: Run, reading: Reading) -> list[Run]:
        rows = reading.chunk.rows
        after = key_of(reading.chunk.relation, rows[-1]) if rows else None
        run = run.advanced(after, len(rows), last=reading.last)
        return [] if run.done and run.keys is not None else [run]

    def _ask(self, marker: Marker) -> None:
        tables = marker.body.get("tables") or sorted(self._tables)
        where = marker.body.get("where")
        for table in tables:
            self._add(Run(f"snapshot-{marker.seq}", str(table), where=where))

    def _repair(self, marker: Marker) -> None:
        keys = tuple(tuple(key) for key in marker.body.get("keys", ()))
        if keys:
            self._add(Run(f"repair-{marker.seq}", str(marker.body.get("table")), keys=keys))

    def _add(self, run: Run) -> None:
        known = any(run.id == other.id and run.table == other.table for other in self._runs)
        if known:
            return  # the same marker, read again after a restart
        if run.table not in self._tables or len(self._runs) >= MOST_RUNS:
            self._counters.ignored.add(f"{run.id} of {run.table}")
            return
        self._runs.append(replace(run))


def _only_key(relation: Relation, key: Row) -> Row:
    values = dict(zip(relation.key, key, strict=True))
    return tuple(values.get(index, ABSENT) for index in range(len(relation.columns)))
