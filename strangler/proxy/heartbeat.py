"""Finds workers whose loop is stuck: the socket still takes connections that nobody serves.

Pings are counted rather than seconds: after a pause of the supervisor itself (a stopped process, a
virtual machine that was moved) its clock says that every worker was silent, and none of them was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from strangler.proxy.process import WorkerProcess

PING_EVERY: Final = 1.0
HANGS_AFTER: Final = 30.0
"""Seconds without an answer to a ping after which a worker is killed; compiling the largest table
takes a few."""

log = structlog.get_logger()


async def watch_loops(
    processes: Callable[[], Iterable[WorkerProcess]],
    *,
    every: float = PING_EVERY,
    hangs_after: float = HANGS_AFTER,
) -> None:
    """Ping all `processes()` until cancelled, and kill what stays silent."""
    while True:
        for process in processes():
            if process.unanswered * every > hangs_after:
                log.error("worker_hangs", slot=process.slot, pid=process.pid)
                process.kill()
            process.ping()
        await asyncio.sleep(every)
