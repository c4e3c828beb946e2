"""Writes that wait while a fence is up (design of the cutover, step 2).

A held write has been matched but not counted, chosen or sent. It waits for a table version
without the fence and is then decided anew, so it goes to whichever side owns the data. The number
of held writes, their bytes and their time are bounded; beyond, 503 with Retry-After. A worker
never releases by itself: only another table version does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Final

from strangler.config.model import Hold as Limits
from strangler.proxy.counters import HELD, HELD_TOTAL, Refusal
from strangler.proxy.deadlines import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from strangler.proxy.exchange import Exchange

RELEASED_AT_ONCE: Final = 64
"""Released writes under way at a time, so that the new side is not hit by all of them at once."""


class Hold:
    """The held writes of one worker."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, cells: memoryview, limits: Callable[[], Limits]
    ) -> None:
        self._loop = loop
        self._cells = cells
        self._limits = limits
        self._held: dict[Exchange, None] = {}  # in order of arrival
        self._ready: deque[Exchange] = deque()
        self._released = 0

    @property
    def body(self) -> int:
        """Bytes of a held request's body that are read before its client has to wait."""
        return self._limits().body

    def add(self, ex: Exchange) -> None:
        """Hold a write, or refuse it when there is no room or time left for it."""
        limits = self._limits()
        left = limits.time - (monotonic() - ex.began)
        if len(self._held) >= limits.requests:
            ex.refuse(Refusal.HOLD_FULL)
        elif left <= 0:
            ex.refuse(Refusal.HOLD_TIMEOUT)
        else:
            ex.held = True
            self._held[ex] = None
            self._cells[HELD] += 1
            self._cells[HELD_TOTAL] += 1
            ex.client.expect(Phase.HELD, left)

    def drop(self, ex: Exchange) -> None:
        """A held write ended: its client left or its time is up."""
        if ex.held:
            ex.held = False
            del self._held[ex]
            self._cells[HELD] -= 1

    def release(self, fenced: frozenset[str]) -> None:
        """A new table version is live: let go, in order, what its fences do not hold."""
        free = [ex for ex in self._held if ex.plan.group not in fenced]
        for ex in free:
            self.drop(ex)
        self._ready.extend(free)
        self._go_on()

    def ended(self, ex: Exchange) -> None:
        """A held or released write is over: the next may go."""
        self.drop(ex)
        if ex.released:
            ex.released = False
            self._released -= 1
            if self._ready:
                self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        while self._ready and self._released < RELEASED_AT_ONCE:
            ex = self._ready.popleft()
            if ex.over:
                continue
            ex.released = True
            self._released += 1
            ex.begin()
            if ex.held:  # another fence came up meanwhile
                ex.released = False
                self._released -= 1
