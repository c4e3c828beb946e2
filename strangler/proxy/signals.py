"""What the supervisor's process does on signals.

SIGTERM and SIGINT drain, a second one ends the workers at once; SIGHUP reloads the table, SIGUSR1
reopens the access logs after a rotation.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from strangler.proxy.supervisor import Supervisor

log = structlog.get_logger()


@contextmanager
def handled(supervisor: Supervisor, *, reload: Callable[[], None]) -> Iterator[asyncio.Event]:
    """Handle signals inside the block; the event is set when the gateway shall stop.

    Keep the block open while the supervisor stops: the second signal comes then.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def leave() -> None:
        if stop.is_set():
            log.warning("stopping_at_once")
            supervisor.kill()
        stop.set()

    handlers = {
        signal.SIGTERM: leave,
        signal.SIGINT: leave,
        signal.SIGHUP: reload,
        signal.SIGUSR1: supervisor.reopen_logs,
    }
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield stop
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
