"""The lease under which this replica may treat its table as the live one.

Whoever moves a group's writes waits until every replica has acknowledged, and may count a silent
one as gone only when its lease has run out. So a worker must see for itself that the lease is over,
even when its supervisor is dead or stuck: the deadline lies in shared memory, on the machine's
monotonic clock, which all processes of a host share. It is counted from before the renewal was
sent, so that the worker's idea of the lease always ends before the store's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from strangler.proxy.memory import SharedCells

LEASE_BYTES: Final = 4096
_DEADLINE: Final = 0

log = structlog.get_logger()


class Lease:
    """The workers' view: one comparison. `clock` is CLOCK_MONOTONIC in nanoseconds."""

    __slots__ = ("_cells", "_clock")

    def __init__(self, cells: memoryview, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._cells = cells
        self._clock = clock

    def valid(self) -> bool:
        """Whether the lease holds now."""
        return self._clock() < self._cells[_DEADLINE]

    def remaining(self) -> float:
        """Seconds until the lease ends, negative once it is over; -inf if there never was one."""
        deadline = self._cells[_DEADLINE]
        return (deadline - self._clock()) / 1e9 if deadline else float("-inf")


class LeaseHolder:
    """The supervisor's side: owns the memory and moves the deadline."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._memory = SharedCells.create("strangler-lease", LEASE_BYTES)
        self.lease = Lease(self._memory.cells)

    @property
    def fd(self) -> int:
        """The descriptor that workers map."""
        return self._memory.fd

    def renewed(self, sent_ns: int) -> None:
        """A renewal sent at `sent_ns` was confirmed. An older one never shortens the lease."""
        deadline = sent_ns + int(self.seconds * 1e9)
        self._memory.cells[_DEADLINE] = max(deadline, self._memory.cells[_DEADLINE])

    def close(self) -> None:
        """Give the memory back; the workers' mappings stay as they are."""
        self._memory.close()


async def keep_lease(holder: LeaseHolder, renew: Callable[[], Awaitable[None]]) -> None:
    """Renew until cancelled, three times per lease; a renewal that fails is tried again.

    `renew` raises when the store did not confirm; the deadline then stays where it is.
    """
    pause = holder.seconds / 3
    while True:
        sent = time.monotonic_ns()
        try:
            async with asyncio.timeout(pause):
                await renew()
        except Exception as error:  # noqa: BLE001 - whatever the store raises, the lease runs on
            log.warning(
                "lease_renewal_failed",
                error=repr(error),
                remaining=round(holder.lease.remaining(), 3),
            )
        else:
            holder.renewed(sent)
        await asyncio.sleep(pause)


async def no_renewal() -> None:
    """The renewal of a gateway that shares no store: nobody else could take the lease."""
