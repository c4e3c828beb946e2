"""Reads the chunks of a snapshot in a thread of its own, ahead of the log.

    low marker -> rows -> high marker

The rows are laid down under a token before the high marker that carries it is written, so whoever
sees that marker in the log finds them. Each run has tokens of its own: the markers of another
process, or of a run that was given up, mean nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson
import structlog

from cdc.change import MarkerKind, Relation
from cdc.config.model import Limits
from cdc.relay.ports import SourceControl
from cdc.relay.reading import AHEAD, Reading, Share, read
from cdc.snapshot import ADDED, Run

_LOOK_EVERY, _PATIENCE = 0.1, 5.0
"""Seconds between looks at the writers of a table that has joined, and until that is said."""
ENDS_WITHIN = 10.0
"""Seconds that `close` waits; a statement that runs longer ends by its own time limit."""

log = structlog.get_logger()


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
        self, connect: Callable[[], SourceControl], stream: str, epoch: int, limits: Limits,
        keys: dict[str, tuple[str, ...]],
    ) -> None:  # fmt: skip
        self._connect, self._stream, self._limits = connect, stream, limits
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
        if run.keys is None:
            self.estimates[run.table] = control.estimate(relation)
        if run.id == ADDED and run.after is None:
            self._outwait(control, relation, task.stop)
        share = Share(self._limits, few=run.keys is not None)
        while True:
            task.room.acquire()
            if task.stop.is_set():
                return
            began = time.monotonic()
            task.tokens += 1
            token = f"{task.prefix}{task.tokens}"
            self._mark(control, MarkerKind.LOW, token)
            reading = read(control, relation, run, share)
            task.ready[token] = reading
            self._mark(control, MarkerKind.HIGH, token)
            if reading.last:
                return
            run = reading.then
            self._pace(began, len(reading.chunk.rows), task.stop)

    def _outwait(self, control: SourceControl, relation: Relation, stop: threading.Event) -> None:
        """Read nothing of a table that has just joined before the log is sure to have the rest."""
        since, before = time.monotonic(), control.unlogged(relation)
        said = False
        while before and not stop.wait(_LOOK_EVERY):
            before &= control.unlogged(relation)
            if before and not said and time.monotonic() - since > _PATIENCE:
                said = True
                log.warning("snapshot_waits", table=relation.table, transactions=len(before))

    def _mark(self, control: SourceControl, kind: MarkerKind, token: str) -> None:
        control.mark(self._stream, kind, orjson.dumps({"token": token}).decode())

    def _pace(self, began: float, rows: int, stop: threading.Event) -> None:
        if self._limits.rate:
            stop.wait(max(0.0, began + rows / self._limits.rate - time.monotonic()))
