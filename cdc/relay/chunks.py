"""Reads the chunks of a snapshot in a thread of its own, ahead of the log.

    low marker -> rows -> high marker

The rows are laid down under a token before the high marker that carries it is written, so whoever
sees that marker in the log finds them. Each run has tokens of its own: the markers of another
process, or of a run that was given up, mean nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import orjson

from cdc.change import MarkerKind, Relation, Row
from cdc.relay.ports import Chunk, SourceControl
from cdc.snapshot import Run

AHEAD = 2
"""Chunks that may be read before the log has reached their markers; bounds the memory."""
ENDS_WITHIN = 10.0
"""Seconds that `close` waits; a statement that runs longer ends by its own time limit."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One chunk that was read, waiting for its high marker."""

    run: Run
    """As it was when its reading began."""
    chunk: Chunk
    last: bool
    """Whether the table holds nothing after it."""
    gone: tuple[Row, ...] = ()
    """Keys of a repair that no row has."""


@dataclass(slots=True, eq=False)
class _Task:
    """The reading of one run; what it shares with the relay's thread."""

    run: Run
    prefix: str
    """Begins its tokens."""
    before: threading.Thread | None
    """The thread of the task before, which may still wait for its last statement."""
    ready: dict[str, Reading] = field(default_factory=dict)
    room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AHEAD))
    stop: threading.Event = field(default_factory=threading.Event)
    tokens: int = 0
    failure: Exception | None = None

    def end(self) -> None:
        self.stop.set()
        self.room.release()


class ChunkReader:
    """Reads one run after another; each public method is called by the relay's thread."""

    def __init__(
        self, connect: Callable[[], SourceControl], stream: str, epoch: int, limit: int,
        keys: dict[str, tuple[str, ...]], rate: int | None,
    ) -> None:  # fmt: skip
        self._connect, self._stream, self._limit, self._rate = connect, stream, limit, rate
        self._keys = keys
        self._epoch, self._started = epoch, 0
        self._task: _Task | None = None
        self._thread: threading.Thread | None = None
        self.estimates: dict[str, int] = {}
        """About how many rows each table has, as of the start of its run."""

    @property
    def failure(self) -> Exception | None:
        """What ended the reading, if it was not asked to end."""
        return self._task.failure if self._task else None

    def start(self, run: Run) -> None:
        """Read the run from where it stands; what was read of another run is forgotten.

        Waits for nothing: the log must stream on while a long statement of that other run ends.
        """
        self.stop()
        self._started += 1
        self._task = task = _Task(run, f"{self._epoch}.{self._started}.", self._thread)
        self._thread = threading.Thread(
            target=self._guarded, args=(task,), name="chunks", daemon=True
        )
        self._thread.start()

    def knows(self, token: str) -> bool:
        """Whether a marker is one of the run that is being read."""
        return self._task is not None and token.startswith(self._task.prefix)

    def take(self, token: str) -> Reading | None:
        """The chunk of a high marker; None for a marker that is not of this run."""
        if self._task is None or (reading := self._task.ready.pop(token, None)) is None:
            return None
        self._task.room.release()
        return reading

    def stop(self) -> None:
        """Have the thread end, and forget what it has read."""
        if self._task is not None:
            self._task.end()
            self._task = None

    def close(self) -> None:
        """End the thread; bounded."""
        self.stop()
        if self._thread is not None:
            self._thread.join(ENDS_WITHIN)

    def _guarded(self, task: _Task) -> None:
        if task.before is not None:  # so that markers of two runs never mingle
            task.before.join()
            task.before = None
        try:
            if not task.stop.is_set():
                self._connected(task)
        except Exception as error:  # noqa: BLE001 - handed to the relay's thread, which judges it
            task.failure = error

    def _connected(self, task: _Task) -> None:
        control = self._connect()
        try:
            self._read(control, task)
        finally:
            control.close()

    def _read(self, control: SourceControl, task: _Task) -> None:
        run = task.run
        relation = control.relation(run.table, self._keys[run.table])
        after = run.after
        if run.keys is None:
            self.estimates[run.table] = control.estimate(relation)
        while True:
            task.room.acquire()
            if task.stop.is_set():
                return
            began = time.monotonic()
            task.tokens += 1
            token = f"{task.prefix}{task.tokens}"
            self._mark(control, MarkerKind.LOW, token)
            reading = self._reading(control, relation, run, after)
            task.ready[token] = reading
            self._mark(control, MarkerKind.HIGH, token)
            if reading.last:
                return
            after = key_of(relation, reading.chunk.rows[-1])
            self._pace(began, len(reading.chunk.rows), task.stop)

    def _reading(
        self, control: SourceControl, relation: Relation, run: Run, after: Row | None
    ) -> Reading:
        if run.keys is not None:
            chunk = control.rows(relation, run.keys)
            return Reading(run, chunk, last=True, gone=_gone(control, relation, run.keys, chunk))
        chunk = control.chunk(relation, after, self._limit, run.where)
        return Reading(run, chunk, last=len(chunk.rows) < self._limit)

    def _mark(self, control: SourceControl, kind: MarkerKind, token: str) -> None:
        control.mark(self._stream, kind, orjson.dumps({"token": token}).decode())

    def _pace(self, began: float, rows: int, stop: threading.Event) -> None:
        if self._rate:
            stop.wait(max(0.0, began + rows / self._rate - time.monotonic()))


def keys_of(relation: Relation, rows: Sequence[Row]) -> list[Row]:
    """The values of every row's key. A chunk has thousands of rows, so nothing is asked twice."""
    if len(relation.key) == 1:
        index = relation.key[0]
        return [(row[index],) for row in rows]
    return list(map(itemgetter(*relation.key), rows))


def key_of(relation: Relation, row: Row) -> Row:
    """The values of a row's key."""
    return tuple(row[index] for index in relation.key)


def _gone(
    control: SourceControl, relation: Relation, keys: tuple[Row, ...], chunk: Chunk
) -> tuple[Row, ...]:
    """The keys that no row has, asked one by one.

    A key that was asked for in another spelling than the row's (`1.0`, a UUID in capitals) is not
    among the rows as it stands, and yet names one: a deletion would remove it from the copy.
    """
    found = set(keys_of(relation, chunk.rows))
    return tuple(
        key for key in dict.fromkeys(keys)
        if key not in found and not control.rows(relation, [key]).rows
    )  # fmt: skip
