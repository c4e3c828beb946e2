"""Deadlines without timers: each connection knows when it is late, one sweep asks them all.

A sweep every 100 ms costs less than one timer per request; a deadline is kept to within that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from strangler.proxy.downstream import ClientConnection

SWEEP_EVERY: Final = 0.1
"""Seconds."""
NO_DEADLINE: Final = float("inf")
_IDLE_SWEEP: Final = 50
"""Pools are swept every so many turns."""


class Phase(IntEnum):
    """What a client's connection is waiting for."""

    IDLE = 0
    """The next request."""
    HEAD = 1
    """The rest of a head."""
    BODY = 2
    """The next piece of the request's body."""
    UPLOAD = 3
    """An endpoint that takes no more of the body."""
    CONNECT = 4
    FIRST_BYTE = 5
    STREAM = 6
    """The next piece of the answer."""
    SEND = 7
    """A client that takes no more of the answer."""
    HELD = 8
    """The end of a fence."""
    TUNNEL = 9
    LINGER = 10
    """The client's close after ours."""


class Sweep:
    """Ends what is late. One per worker."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clients: Collection[ClientConnection],
        sweep_pools: Callable[[float], None],
    ) -> None:
        self._loop = loop
        self._clients = clients
        self._sweep_pools = sweep_pools
        self._turns = 0
        self._timer = loop.call_later(SWEEP_EVERY, self._run)

    def _run(self) -> None:
        now = self._loop.time()
        for client in [c for c in self._clients if c.deadline < now or c.total_deadline < now]:
            client.late(now)
        self._turns += 1
        if self._turns % _IDLE_SWEEP == 0:
            self._sweep_pools(now)
        self._timer = self._loop.call_later(SWEEP_EVERY, self._run)

    def close(self) -> None:
        """Stop."""
        self._timer.cancel()
