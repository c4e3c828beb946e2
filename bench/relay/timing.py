"""From what was seen of a topic while a reader worked to rows a second, without I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Ends: TypeAlias = Mapping[int, int]
"""Partition -> offset of the next record that a reader would get."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The topic at one moment."""

    at: float
    """Seconds of a monotonic clock."""
    ends: Ends
    written: Ends
    """Beyond `ends` while a transaction of the reader's is open."""
    cpu_us: float
    """What the reader's processes had used by then."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From the first record to the last."""

    seconds: float
    share: float
    """Of the records: those that had been delivered at the first look do not count."""
    cpu_us: float

    def per_second(self, rows: int) -> float:
        """Rows a second."""
        return rows * self.share / self.seconds

    def cpu_per_row(self, rows: int) -> float:
        """Microseconds of CPU time for a row."""
        return self.cpu_us / (rows * self.share)


def stretch(series: Sequence[Seen], starts: Ends, last: Ends) -> Stretch:
    """The stretch of a reader that began at the offsets `starts`.

    From the first record that was written to the last that a consumer could read. `last`:
    partition -> offset after its last row. Raises ValueError for a series in which the rows do not
    come, or come all at once.
    """
    begun = next(
        (seen for seen in series if _total(seen.written, last) > _total(starts, last)), None
    )
    ended = next((seen for seen in series if _reached(seen.ends, last)), None)
    if begun is None or ended is None or ended.at <= begun.at:
        raise ValueError("the rows were not seen to come")
    whole = _total(last, last) - _total(starts, last)
    left = _total(last, last) - _total(begun.written, last)
    return Stretch(ended.at - begun.at, left / whole, ended.cpu_us - begun.cpu_us)


def _total(ends: Ends, of: Ends) -> int:
    return sum(ends.get(partition, 0) for partition in of)


def _reached(ends: Ends, last: Ends) -> bool:
    return all(ends.get(partition, 0) >= offset for partition, offset in last.items())
