"""Which transactions a snapshot contains, from PostgreSQL's text of it.

`xmin:xmax:xip,xip,…` in 64-bit transaction identifiers (PostgreSQL's documentation, "Transaction ID
and Snapshot Information Functions"); the stream names transactions by the lower 32 bits.
"""

from __future__ import annotations

_EPOCH = 1 << 32


class Snapshot:
    """A snapshot as `pg_current_snapshot()` tells it."""

    __slots__ = ("_running", "_xmax", "_xmin")

    def __init__(self, text: str) -> None:
        low, high, running = text.split(":")
        self._xmin, self._xmax = int(low), int(high)
        self._running = frozenset(int(each) for each in running.split(",") if each)

    def contains(self, xid: str) -> bool:
        """Whether a transaction that was committed is visible in the snapshot."""
        full = self._full(int(xid))
        return full < self._xmax and full not in self._running

    def _full(self, xid: int) -> int:
        """The 64-bit identifier: the one within 2**31 of the snapshot's end."""
        full = self._xmax - self._xmax % _EPOCH + xid
        if full - self._xmax > _EPOCH // 2:
            return full - _EPOCH
        if self._xmax - full > _EPOCH // 2:
            return full + _EPOCH
        return full
