"""Serving an application until SIGTERM or SIGINT, and ending without cutting anybody off."""

import asyncio
import signal

import structlog
from aiohttp import web

from services.common.requests import AccessLog

log = structlog.get_logger()

KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than the gateway keeps one for reuse, so that
the gateway closes first and no request meets a connection that is just being closed."""
GRACE = 10
"""Seconds that requests under way have after the signal."""


def listen_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, where HOST may be `[::1]`. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 2**16):
        raise ValueError(f"{text!r} is no address: write HOST:PORT, such as 127.0.0.1:8101")
    return host.removeprefix("[").removesuffix("]"), int(port)


def serve(app: web.Application, name: str, host: str, port: int) -> None:
    """Serve until a signal; returns when the last answer is out or the grace is over."""
    asyncio.run(_serve(app, name, host, port))


async def _serve(app: web.Application, name: str, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        app, keepalive_timeout=KEEP_ALIVE, shutdown_timeout=GRACE, access_log_class=AccessLog
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        log.info("service_started", service=name, addresses=runner.addresses)
        await stop.wait()
        log.info("service_stopping", service=name)
    finally:
        await runner.cleanup()
    log.info("service_stopped", service=name)
