"""Active health checks: one GET per endpoint and interval, from the supervisor.

An endpoint starts as up, so that a gateway that just started serves at once. When every endpoint
of an upstream fails, all of them are used again ("panic"): the checks are then more likely wrong
than useful, and an attempt costs no more than a refusal. `HealthBoard` decides, `HealthChecker`
does the I/O.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import aiohttp
import structlog

from strangler.config.model import Endpoint, Health, Table, Upstream, UpstreamTls

log = structlog.get_logger()

Place: TypeAlias = tuple[str, str]
"""(upstream, endpoint as text)."""


@dataclass(slots=True)
class EndpointHealth:
    """What the checks of one endpoint add up to."""

    up: bool = True
    streak: int = 0
    """Results in a row that speak against `up`."""

    def record(self, passed: bool, settings: Health) -> bool:
        """Count a check's result; whether `up` changed."""
        self.streak = 0 if passed == self.up else self.streak + 1
        needed = settings.unhealthy_after if self.up else settings.healthy_after
        if self.streak < needed:
            return False
        self.up, self.streak = passed, 0
        return True


class HealthBoard:
    """The state of all endpoints, and which of them the workers shall leave out."""

    def __init__(self) -> None:
        self._states: dict[Place, EndpointHealth] = {}

    @property
    def states(self) -> Mapping[Place, bool]:
        """What the checks say of each checked endpoint."""
        return {place: state.up for place, state in self._states.items()}

    def follow(self, table: Table) -> None:
        """Keep the endpoints that `table` checks; new ones start as up."""
        places = [
            (upstream.name, str(endpoint))
            for upstream in table.upstreams.values()
            if upstream.health is not None
            for endpoint in upstream.endpoints
        ]
        self._states = {place: self._states.get(place) or EndpointHealth() for place in places}

    def record(self, place: Place, passed: bool, settings: Health) -> bool:
        """Count a result; whether the endpoint changed sides. Unknown endpoints are ignored."""
        state = self._states.get(place)
        return state is not None and state.record(passed, settings)

    def panic(self) -> frozenset[str]:
        """The upstreams all of whose endpoints are down."""
        alive = {upstream for (upstream, _), state in self._states.items() if state.up}
        return frozenset(upstream for upstream, _ in self._states if upstream not in alive)

    def left_out(self) -> frozenset[Place]:
        """The endpoints that get no requests: those down, but for upstreams in panic."""
        panic = self.panic()
        return frozenset(
            place for place, state in self._states.items() if not state.up and place[0] not in panic
        )


class HealthChecker:
    """Checks what the table says. `report(place, up)` when workers must think otherwise."""

    def __init__(self, report: Callable[[Place, bool], None]) -> None:
        self.board = HealthBoard()
        self._report = report
        self._changed = asyncio.Event()
        self._table: Table | None = None

    def follow(self, table: Table) -> None:
        """Check as `table` says from now on."""
        before = self.board.left_out()
        self.board.follow(table)
        for place in before - self.board.left_out():
            self._report(place, True)
        self._table = table
        self._changed.set()

    async def run(self) -> None:
        """Check until cancelled; a new table starts the rounds anew."""
        while True:
            self._changed.clear()
            async with asyncio.TaskGroup() as rounds:
                checks = [
                    rounds.create_task(self._round(upstream, endpoint, upstream.health))
                    for upstream in (self._table.upstreams.values() if self._table else ())
                    if upstream.health is not None
                    for endpoint in upstream.endpoints
                ]
                await self._changed.wait()
                for check in checks:
                    check.cancel()

    async def _round(self, upstream: Upstream, endpoint: Endpoint, settings: Health) -> None:
        place = (upstream.name, str(endpoint))
        await asyncio.sleep(random.random() * min(settings.interval, 1.0))
        while True:
            before = self.board.left_out()
            passed = await check(upstream, endpoint, settings)
            if self.board.record(place, passed, settings):
                log.warning("endpoint_up" if passed else "endpoint_down", endpoint=place[1],
                            upstream=place[0], panic=place[0] in self.board.panic())  # fmt: skip
            after = self.board.left_out()
            for changed in before ^ after:
                self._report(changed, changed in before)
            await asyncio.sleep(settings.interval)


async def check(upstream: Upstream, endpoint: Endpoint, settings: Health) -> bool:
    """Whether the endpoint answers with 2xx or 3xx in time. A connection of its own each time."""
    timeout = aiohttp.ClientTimeout(total=settings.timeout)
    authority = str(endpoint) if endpoint.unix is None else "http://localhost"
    host = upstream.host if upstream.host not in ("keep", "endpoint") else None
    try:
        async with (
            aiohttp.ClientSession(
                connector=_connector(upstream, endpoint), timeout=timeout, trust_env=False
            ) as session,
            session.get(
                authority + settings.path,
                allow_redirects=False,
                headers={"User-Agent": "strangler-health", **({"Host": host} if host else {})},
                server_hostname=upstream.tls.server_name if endpoint.tls else None,
            ) as answer,
        ):
            return 200 <= answer.status < 400
    except Exception:  # noqa: BLE001 - whatever it sends, it is not well, and the checks go on
        return False


def _connector(upstream: Upstream, endpoint: Endpoint) -> aiohttp.BaseConnector:
    if endpoint.unix is not None:
        return aiohttp.UnixConnector(endpoint.unix, force_close=True)
    return aiohttp.TCPConnector(
        ssl=_context(upstream.tls) if endpoint.tls else True, force_close=True
    )


@lru_cache(maxsize=64)  # reading the system's authorities takes tens of milliseconds
def _context(tls: UpstreamTls) -> ssl.SSLContext | bool:
    return ssl.create_default_context(cafile=tls.ca) if tls.verify else False
