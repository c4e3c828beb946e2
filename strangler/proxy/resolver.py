"""Names of endpoints, looked up again and again: a service that moved is found without a restart.

A look-up that fails keeps the addresses known before. Addresses written as numbers are never
looked up.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from strangler.proxy.pool import EndpointPool, UpstreamPool

log = structlog.get_logger()

_TICK: Final = 1.0
_TIMEOUT: Final = 5.0


class Resolver:
    """Keeps the addresses of every endpoint's name fresh."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pools: Mapping[str, UpstreamPool]) -> None:
        self._loop = loop
        self._pools = pools
        self._due: dict[EndpointPool, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer = loop.call_later(_TICK, self._tick)

    def soon(self) -> None:
        """The endpoints have changed: look at them in the next turn of the loop."""
        self._timer.cancel()
        self._timer = self._loop.call_later(0, self._tick)

    def close(self) -> None:
        """Stop."""
        self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    def _tick(self) -> None:
        now = self._loop.time()
        named = [
            (endpoint, pool.upstream.resolve_every)
            for pool in self._pools.values()
            for endpoint in pool.endpoints
            if _is_name(endpoint.endpoint.host)
        ]
        self._due = {e: self._due.get(e, 0.0) for e, _ in named}
        for endpoint, every in named:
            if self._due[endpoint] <= now:
                self._due[endpoint] = now + max(every, _TIMEOUT)
                task = self._loop.create_task(self._resolve(endpoint))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        self._timer = self._loop.call_later(_TICK, self._tick)

    async def _resolve(self, pool: EndpointPool) -> None:
        endpoint = pool.endpoint
        try:
            async with asyncio.timeout(_TIMEOUT):
                found = await self._loop.getaddrinfo(
                    endpoint.host, endpoint.port, type=socket.SOCK_STREAM
                )
        except (OSError, TimeoutError) as error:
            log.warning("resolve_failed", endpoint=str(endpoint), error=str(error))
            return
        pool.resolved(tuple(dict.fromkeys(str(address[0]) for *_, address in found)))


def _is_name(host: str) -> bool:
    if not host:
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False
