"""The page sets that worker processes count in (`counters` says what lies where).

Each process has one to itself, also while a worker and its successor overlap. A set whose process
is gone keeps its counts and goes to the next process, so that sums over all sets only grow.
"""

from __future__ import annotations

from collections.abc import Mapping

from strangler.proxy.counters import PAGE_SET_BYTES, reset_gauges
from strangler.proxy.memory import SharedCells


class PageSets:
    """All page sets of a gateway; as many as processes ever lived at one time."""

    def __init__(self) -> None:
        self._all: list[SharedCells] = []
        self._free: list[SharedCells] = []

    @property
    def cells(self) -> list[memoryview]:
        """The cells of every set, for reading."""
        return [pages.cells for pages in self._all]

    def take(self) -> SharedCells:
        """A set that no living process counts in."""
        if self._free:
            return self._free.pop()
        pages = SharedCells.create("strangler-counters", PAGE_SET_BYTES)
        self._all.append(pages)
        return pages

    def give_back(self, pages: SharedCells, bases: Mapping[tuple[str, str], int]) -> None:
        """The set's process is gone; `bases` are the series it may have counted in."""
        reset_gauges(pages.cells, bases)
        self._free.append(pages)

    def close(self) -> None:
        """Give all memory back."""
        for pages in self._all:
            pages.close()
        self._all.clear()
        self._free.clear()
