"""Reads the chunks of a snapshot in a thread of its own, ahead of the log.

    low marker -> rows -> high marker

The rows are laid down under a token before the high marker that carries it is written, so whoever
sees that marker in the log finds them. A marker of an earlier process has a token that nobody
knows, and means nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from cdc.change import MarkerKind, Relation, Row
from cdc.relay.ports import Chunk, SourceControl
from cdc.snapshot import Run

AHEAD = 2
"""Chunks that may be read before the log has reached their markers; bounds the memory."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One chunk that was read, waiting for its high marker."""

    run: str
    chunk: Chunk
    last: bool
    """Whether the table holds nothing after it."""


class ChunkReader:
    """Reads one run after another; each public method is called by the relay's thread."""

    def __init__(
        self, connect: Callable[[], SourceControl], stream: str, epoch: int, limit: int,
        keys: dict[str, tuple[str, ...]], rate: int | None,
    ) -> None:  # fmt: skip
        self._connect, self._stream, self._limit, self._rate = connect, stream, limit, rate
        self._keys = keys
        self._prefix = f"{epoch}."
        self._tokens = 0
        self._ready: dict[str, Reading] = {}
        self._room = threading.Semaphore(AHEAD)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.estimates: dict[str, int] = {}
        """About how many rows each table has, as of the start of its run."""
        self.failure: Exception | None = None
        """What ended the thread, if it was not asked to end."""

    def start(self, run: Run) -> None:
        """Read the run from where it stands; what was read of another run is forgotten."""
        self.stop()
        self._ready.clear()
        self._room = threading.Semaphore(AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._guarded, args=(run, self._stop, self._room), name="chunks", daemon=True
        )
        self._thread.start()

    def take(self, token: str) -> Reading | None:
        """The chunk of a high marker; None for a marker that is not of this reader."""
        reading = self._ready.pop(token, None)
        if reading is not None:
            self._room.release()
        return reading

    def stop(self) -> None:
        """End the thread; a statement that runs ends by its own time limit."""
        self._stop.set()
        self._room.release()
        if self._thread is not None:
            self._thread.join(10.0)
            self._thread = None

    def _guarded(self, run: Run, stop: threading.Event, room: threading.Semaphore) -> None:
        try:
            control = self._connect()
            try:
                self._read(control, run, stop, room)
            finally:
                control.close()
        except Exception as error:  # noqa: BLE001 - handed to the relay's thread, which ends
            if not stop.is_set():
                self.failure = error

    def _read(
        self, control: SourceControl, run: Run, stop: threading.Event, room: threading.Semaphore
    ) -> None:
        relation = control.relation(run.table, self._keys[run.table])
        after = run.after
        if run.keys is None:
            self.estimates[run.table] = control.estimate(relation)
        while True:
            room.acquire()
            if stop.is_set():
                return
            began = time.monotonic()
            token = self._mark(control, MarkerKind.LOW)
            chunk = self._chunk(control, relation, run, after)
            last = run.keys is not None or len(chunk.rows) < self._limit
            self._ready[token] = Reading(run.id, chunk, last)
            control.mark(self._stream, MarkerKind.HIGH, orjson.dumps({"token": token}).decode())
            if last:
                return
            after = key_of(relation, chunk.rows[-1])
            self._pace(began, len(chunk.rows), stop)

    def _chunk(
        self, control: SourceControl, relation: Relation, run: Run, after: Row | None
    ) -> Chunk:
        if run.keys is not None:
            return control.rows(relation, run.keys)
        return control.chunk(relation, after, self._limit, run.where)

    def _mark(self, control: SourceControl, kind: MarkerKind) -> str:
        self._tokens += 1
        token = f"{self._prefix}{self._tokens}"
        control.mark(self._stream, kind, orjson.dumps({"token": token}).decode())
        return token

    def _pace(self, began: float, rows: int, stop: threading.Event) -> None:
        if self._rate:
            stop.wait(max(0.0, began + rows / self._rate - time.monotonic()))


def key_of(relation: Relation, row: Row) -> Row:
    """The values of a row's key."""
    return tuple(row[index] for index in relation.key)
