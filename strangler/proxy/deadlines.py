"""Deadlines without timers: each connection knows when it is late, one sweep asks them all.

A sweep every 100 ms costs less than one timer per request; a deadline is kept to
within two of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from enum import IntEnum
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from strangler.proxy.downstream import ClientConnection

SWEEP_EVERY: Final = 0.1
"""Seconds."""
NO_DEADLINE: Final = float("inf")


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
        tick: Callable[[float], None],
    ) -> None:
        """`tick` gets the time with each sweep, before anybody is asked."""
        self._loop = loop
        self._clients = clients
        self._tick = tick
        self._timer = loop.call_later(SWEEP_EVERY, self._run)

    def _run(self) -> None:
        self._timer = self._loop.call_later(SWEEP_EVERY, self._run)
        now = monotonic()
        self._tick(now)
        # `deadline` was counted from a tick that may have been one sweep old: never be early.
        before = now - SWEEP_EVERY
        for client in [c for c in self._clients if c.deadline < before or c.total_deadline < now]:
            client.late(now)

    def close(self) -> None:
        """Stop."""
        self._timer.cancel()
