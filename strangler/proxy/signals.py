"""What the supervisor's process does on signals.

SIGTERM and SIGINT drain, a second one ends the workers at once; SIGHUP reloads the table, SIGUSR1
reopens the access logs after a rotation, SIGUSR2 replaces the workers one after the other.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from strangler.proxy.slot import WorkerStartError
from strangler.proxy.supervisor import Supervisor

log = structlog.get_logger()


@contextmanager
def handled(supervisor: Supervisor, *, reload: Callable[[], None]) -> Iterator[asyncio.Event]:
    """Handle signals inside the block; the event is set when the gateway shall stop.

    Keep the block open while the supervisor stops: the second signal comes then.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    restarts: list[asyncio.Task[None]] = []

    def leave() -> None:
        if stop.is_set():
            log.warning("stopping_at_once")
            supervisor.kill()
        supervisor.leave()
        stop.set()

    def restart() -> None:
        restarts[:] = [task for task in restarts if not task.done()]
        if not restarts:
            restarts.append(loop.create_task(_restart_workers(supervisor)))

    handlers = {
        signal.SIGTERM: leave,
        signal.SIGINT: leave,
        signal.SIGHUP: reload,
        signal.SIGUSR1: supervisor.reopen_logs,
        signal.SIGUSR2: restart,
    }
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield stop
        log.info("stopped")
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
        for task in restarts:
            task.cancel()


async def _restart_workers(supervisor: Supervisor) -> None:
    """Replace all workers; one whose successor does not come up stays, and so do those after it."""
    log.info("workers_restart_asked")
    try:
        await supervisor.restart_workers()
    except WorkerStartError as error:
        log.error("workers_restart_stopped", error=str(error))
    else:
        log.info("workers_restarted")
