"""Change rows become transactions: `Begin`, `Change` …, `Commit`. Pure.

A run is a stretch of the log that goes out as one transaction. It ends at a cut, where the origin
changes (one session has one origin, so another origin is another transaction), and before and after
a marker, which is written in a transaction of its own. All of that stands in the log itself, so a
run is the same whoever reads it and however often.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cdc.change import Begin, Change, Commit, Event, Position, Reached


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the change table."""

    id: Position
    at_ms: int
    origin: str | None
    cut: bool
    """Whether a cut follows it."""
    marker: bool
    change: Change | None
    """None for a table that the stream does not have."""


class Runs:
    """Where the reader is, between two entries of the log."""

    def __init__(self, resume: Position) -> None:
        self.read: Position = resume
        """The last entry that was fed."""
        self._last: Entry | None = None
        self._open = False

    def feed(self, entry: Entry) -> Iterator[Event]:
        """The events that an entry brings."""
        if self._last is not None and ends(self._last, entry):
            yield from self._end()
        if entry.change is not None:
            if not self._open:
                yield Begin(entry.id, str(entry.id), entry.at_ms, entry.origin)
                self._open = True
            yield entry.change
        self.read, self._last = entry.id, entry
        if entry.cut:
            yield self._end_at_cut()

    def _end(self) -> Iterator[Event]:
        if self._open:
            self._open = False
            yield Commit(self.read)

    def _end_at_cut(self) -> Event:
        self._last = None
        for event in self._end():
            return event
        return Reached(self.read)


def ends(entry: Entry, following: Entry) -> bool:
    """Whether a run ends between two neighbours."""
    return entry.cut or entry.marker or following.marker or entry.origin != following.origin
