"""What a relay does now and then, in a thread of its own so that the stream never waits for it.

Heartbeats keep idle partitions advancing and let the source release its log; a look at the source
finds tables that have left its log, and keeps its disk alive by what the log retains; a report is
what `strangler cdc status` shows.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from cdc.change import MarkerKind
from cdc.relay.counters import Counters
from cdc.relay.ports import Source, SourceControl

LOOK_EVERY = 5.0
REPORT_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Duties:
    """What the chores work with."""

    stream: str
    connect: Callable[[], SourceControl]
    source: Source
    """Only its `check` and `retained` are called from here."""
    heartbeat: float
    """Seconds between heartbeats; 0 for none."""
    retained: Callable[[int], None]
    """Told how many bytes of log are kept."""
    counters: Counters
    report: Callable[[], None]
    """Keeps a report; may raise, which ends the chores and the relay's session."""


class Chores:
    """The thread; its failure is found in `failure` by the relay, which ends its session then."""

    def __init__(self, duties: Duties) -> None:
        self._duties = duties
        self._stop = threading.Event()
        self._markers: queue.SimpleQueue[tuple[MarkerKind, dict[str, Any]]] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name="chores", daemon=True)
        self._counted: tuple[float, int] | None = None
        """When the records were last counted, and how many there were."""
        self.failure: Exception | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def mark(self, kind: MarkerKind, body: dict[str, Any]) -> None:
        """Have a marker written soon."""
        self._markers.put((kind, body))
        self._wake.set()

    def stop(self) -> None:
        """End; waits for a statement that runs, which ends by its own time limit."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def _guarded(self) -> None:
        try:
            control = self._duties.connect()
            try:
                self._work(control)
            finally:
                control.close()
        except Exception as error:  # noqa: BLE001 - handed to the relay's thread, which ends
            if not self._stop.is_set():
                self.failure = error

    def _work(self, control: SourceControl) -> None:
        duties = self._duties
        due = {self._beat: 0.0, self._look: 0.0, self._report: 0.0}
        every = {
            self._beat: duties.heartbeat, self._look: LOOK_EVERY, self._report: REPORT_EVERY,
        }  # fmt: skip
        while not self._stop.is_set():
            self._write_markers(control)
            now = time.monotonic()
            for chore, at in due.items():
                if now >= at and every[chore]:
                    chore(control)
                    due[chore] = time.monotonic() + every[chore]
            self._wake.wait(0.5)
            self._wake.clear()

    def _write_markers(self, control: SourceControl) -> None:
        while not self._markers.empty():
            kind, body = self._markers.get()
            control.mark(self._duties.stream, kind, orjson.dumps(body).decode())

    def _beat(self, control: SourceControl) -> None:
        control.mark(self._duties.stream, MarkerKind.HEARTBEAT, "{}")

    def _look(self, _control: SourceControl) -> None:
        self._duties.source.check()
        self._duties.retained(self._duties.source.retained())

    def _report(self, _control: SourceControl) -> None:
        now, counters = time.monotonic(), self._duties.counters
        if self._counted is not None:
            then, records = self._counted
            counters.per_second = round((counters.records - records) / (now - then))
        self._counted = (now, counters.records)
        self._duties.report()
