"""Finds the keys whose rows differ, from hashes of many rows at a time.

Tables whose keys sort alike on both sides are walked in ranges of the key; both databases hash a
range at the same time, and the next one is on its way meanwhile. Other tables are compared in one
pass with a sum for each bucket of keys. What differs is split by buckets, and then row by row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TypeAlias

from cdc.reconcile.dialects.base import ALL, KeyText, Segment
from cdc.reconcile.sides import BucketRow, SqlSide, Sums

RANGE = 50_000
"""Rows of a range."""
LEAF = 1_000
"""Rows of a bucket that is compared row by row."""
MOST_BUCKETS = 1 << 16
_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Step:
    """A range that has been compared."""

    segment: Segment
    source_rows: int
    target_rows: int
    differing: Iterator[KeyText]
    """Keys of rows that are missing, extra or different; to be read before the next step."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a table, each with the thread its session belongs to."""

    source: SqlSide
    target: SqlSide
    source_thread: Executor
    target_thread: Executor


_Pending: TypeAlias = tuple[Segment, "Future[Sums]", "Future[Sums]"]


def ranges(sides: Sides, after: KeyText | None = None, rows: int = RANGE) -> Iterator[Step]:
    """Walk a table in the order of its key, from `after` on."""
    pending: deque[_Pending] = deque()
    for segment in _segments(sides, after, rows):
        pending.append((segment, *_both(sides, segment, 1)))
        if len(pending) > _AHEAD:
            yield _step(sides, pending.popleft())
    while pending:
        yield _step(sides, pending.popleft())


def _segments(sides: Sides, after: KeyText | None, rows: int) -> Iterator[Segment]:
    """Ranges as the source has them; the last one has no end, so nothing is beyond it."""
    while True:
        found = sides.source_thread.submit(sides.source.boundary, Segment(after), rows)
        last = found.result()
        yield Segment(after, last)
        if last is None:
            return
        after = last


def _step(sides: Sides, pending: _Pending) -> Step:
    segment, ours, theirs = pending
    source, target = ours.result(), theirs.result()
    # The target may have far more rows there than the range was cut for.
    number = _buckets_for(max(_count(source), _count(target)))
    differing = _split(sides, segment, number) if source != target else iter(())
    return Step(segment, _count(source), _count(target), differing)


def _split(sides: Sides, segment: Segment, buckets: int) -> Iterator[KeyText]:
    source, target = (each.result() for each in _both(sides, segment, buckets))
    yield from _rows(sides, segment, buckets, _unequal(source, target))


def buckets(sides: Sides, estimate: int) -> Step:
    """Compare a whole table in one pass."""
    number = _buckets_for(estimate)
    source, target = (each.result() for each in _both(sides, ALL, number))
    differing = _rows(sides, ALL, number, _unequal(source, target))
    return Step(ALL, _count(source), _count(target), differing)


def _buckets_for(rows: int) -> int:
    return min(MOST_BUCKETS, max(1, rows // LEAF))


def _both(sides: Sides, segment: Segment, buckets: int) -> tuple[Future[Sums], Future[Sums]]:
    return (
        sides.source_thread.submit(sides.source.sums, segment, buckets),
        sides.target_thread.submit(sides.target.sums, segment, buckets),
    )


def _count(sums: Sums) -> int:
    return sum(count for count, _ in sums.values())


def _unequal(source: Sums, target: Sums) -> list[int]:
    return sorted(b for b in source.keys() | target.keys() if source.get(b) != target.get(b))


def _rows(sides: Sides, segment: Segment, buckets: int, wanted: list[int]) -> Iterator[KeyText]:
    """Read the rows of the unequal buckets, one bucket of each side in memory at a time."""
    if not wanted:
        return
    both = [
        _Buckets(partial(side.rows, segment, buckets, wanted), thread)
        for side, thread in (
            (sides.source, sides.source_thread), (sides.target, sides.target_thread)
        )
    ]  # fmt: skip
    try:
        for bucket in wanted:
            found = [each.submit(bucket) for each in both]
            source, target = (each.result() for each in found)
            for key in source.keys() | target.keys():
                if source.get(key) != target.get(key):
                    yield key
    finally:
        for each in both:
            each.close()


class _Buckets:
    """Rows that come in the order of their buckets, read in the thread of their session."""

    def __init__(self, open_: Callable[[], Iterator[BucketRow]], thread: Executor) -> None:
        self._open, self._thread = open_, thread
        self._rows: Iterator[BucketRow] | None = None
        self._groups: Iterator[tuple[int, Iterator[BucketRow]]] = iter(())
        self._next: tuple[int, Iterator[BucketRow]] | None = None

    def submit(self, bucket: int) -> Future[dict[KeyText, int]]:
        return self._thread.submit(self._read, bucket)

    def close(self) -> None:
        self._thread.submit(self._end).result()

    def _read(self, bucket: int) -> dict[KeyText, int]:
        if self._rows is None:
            self._rows = self._open()
            self._groups = groupby(self._rows, key=lambda row: row[0])
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != bucket:
            return {}
        rows = {key: hashed for _, hashed, key in self._next[1]}
        self._next = next(self._groups, None)
        return rows

    def _end(self) -> None:
        close = getattr(self._rows, "close", None)
        if close is not None:
            close()
