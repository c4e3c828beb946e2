"""The data plane of one worker: connections, the live table, and what the supervisor asks of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Final, Protocol

from strangler.config.model import ProxyCookie, Table, Upstream
from strangler.proxy import forward, wire
from strangler.proxy.counters import BUFFERED_BYTES, REFUSALS, TABLE_VERSION, Refusal
from strangler.proxy.deadlines import Sweep
from strangler.proxy.downstream import ClientConnection
from strangler.proxy.exchange import Exchange
from strangler.proxy.hold import Hold
from strangler.proxy.plan import LiveTable, RoutePlan
from strangler.proxy.pool import UpstreamPool, client_context
from strangler.proxy.resolver import Resolver
from strangler.proxy.state import ExchangeState
from strangler.proxy.tunnel import Tunnel
from strangler.routing.cookie import ProxyCookies
from strangler.routing.forwarded import Forwarding

IDLE_GRACE: Final = 2.0
"""Seconds that a draining worker keeps idle connections open: a request that is on its way when
the drain begins is still answered, with `Connection: close`."""
_DRAIN_STEP: Final = 0.02
_POOL_SWEEP: Final = 50
"""Pools are swept every so many ticks."""

LogRequest = Callable[[Exchange, int], None]
"""Gets each finished exchange and its duration in microseconds."""


class WriteLease(Protocol):
    """What tells a worker whether its gateway still counts as alive."""

    def valid(self) -> bool:
        """The lease has not run out."""


class DataPlane:
    """Everything one worker serves with. Not thread-safe; lives in its loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        cells: memoryview,
        cookie_key: bytes,
        lease: WriteLease,
        log_request: LogRequest | None = None,
    ) -> None:
        self.now = monotonic()
        """Seconds; renewed by each sweep, so deadlines cost no look at the clock."""
        self.cells: Final = cells
        self.log_request = log_request
        self.clients: set[ClientConnection] = set()
        self.tunnels: set[Tunnel] = set()
        self.draining = False
        self.live: LiveTable
        self.cookies: ProxyCookies
        self.forwarding: Forwarding
        self.on_quiet: Callable[[str], None] = lambda _group: None
        """Called when the last write in flight of a fenced group is over."""
        self.hold: Final = Hold(loop, cells, lambda: self.live.gateway.hold)
        self._cookie_key = cookie_key
        self._cookie_settings: ProxyCookie | None = None
        self._lease = lease
        self._pools: dict[str, UpstreamPool] = {}
        self._down: set[tuple[str, str]] = set()
        self._writes: dict[str, int] = {}
        self._ticks = 0
        self._sweep = Sweep(loop, self.clients, self._tick)
        self._resolver = Resolver(loop, self._pools)

    def install(self, table: Table, series: Mapping[tuple[str, str], int]) -> None:
        """Serve `table` from now on; requests in flight finish under the version they began with.

        `series` gives the first counter cell of each (route, upstream). Raises and changes
        nothing if the table cannot be compiled (a certificate file that is missing, say).
        """
        contexts = {name: client_context(upstream) for name, upstream in table.upstreams.items()}
        forwarding = Forwarding(table.gateway.trusted_proxies)
        pools = {name: self._pool(upstream) for name, upstream in table.upstreams.items()}
        live = LiveTable(table, pools, series)
        for name, pool in pools.items():
            pool.update(table.upstreams[name], contexts[name])
        for name in self._pools.keys() - pools.keys():
            self._pools.pop(name).retire()
        self._pools.update(pools)
        self._apply_health()
        self.forwarding = forwarding
        if table.gateway.cookie != self._cookie_settings:
            self._cookie_settings = table.gateway.cookie
            self.cookies = ProxyCookies(table.gateway.cookie, self._cookie_key)
        self.live = live
        self.cells[TABLE_VERSION] = table.version
        for tunnel in [t for t in self.tunnels if t.group in live.fenced]:
            tunnel.close()
        self.hold.release(live.fenced)
        self._resolver.soon()

    def _pool(self, upstream: Upstream) -> UpstreamPool:
        return self._pools.get(upstream.name) or UpstreamPool(upstream.name, self.cells)

    def connection(self) -> ClientConnection:
        """A protocol for a client's connection (the factory for `create_server`)."""
        return ClientConnection(self)

    # what the supervisor asks

    def writes_in_flight(self) -> dict[str, int]:
        """Unsafe requests between their match and the last byte of their answer, per group."""
        return dict(self._writes)

    def set_health(self, upstream: str, endpoint: str, up: bool) -> None:
        """What the health checks say of an endpoint (named by its URL)."""
        if up:
            self._down.discard((upstream, endpoint))
        else:
            self._down.add((upstream, endpoint))
        self._apply_health()

    def _apply_health(self) -> None:
        for name, pool in self._pools.items():
            for endpoint in pool.endpoints:
                endpoint.up = (name, str(endpoint.endpoint)) not in self._down

    async def drain(self, timeout: float) -> None:
        """Finish what is in flight, close what is idle; after `timeout` seconds cut the rest."""
        self.draining = True
        start = monotonic()
        while self.clients and monotonic() - start < timeout:
            idle_too = monotonic() - start > min(IDLE_GRACE, timeout / 2)
            for client in [c for c in self.clients if idle_too and c.is_idle]:
                client.shut()
            await asyncio.sleep(_DRAIN_STEP)

    def close(self) -> None:
        """Cut every connection and stop the timers."""
        self._sweep.close()
        self._resolver.close()
        for client in list(self.clients):
            client.transport.abort()
        for pool in self._pools.values():
            pool.retire()

    # what exchanges ask

    def may_write(self) -> bool:
        """Writes of groups with streams are allowed: the gateway's lease holds."""
        return self._lease.valid()

    def write_begins(self, ex: Exchange) -> None:
        """Count a write in flight of its group."""
        group = ex.plan.group
        ex.counted = True
        self._writes[group] = self._writes.get(group, 0) + 1

    def write_ends(self, ex: Exchange) -> None:
        """The write is over; tells whoever waits for a fenced group to be quiet."""
        group = ex.plan.group
        ex.counted = False
        left = self._writes[group] - 1
        if left:
            self._writes[group] = left
            return
        del self._writes[group]
        if group in self.live.fenced:
            self.on_quiet(group)

    def buffer(self, ex: ExchangeState) -> bool:
        """Count what `ex` has collected; False when the worker holds too much already."""
        cells = self.cells
        cells[BUFFERED_BYTES] += ex.pending_bytes - ex.buffered
        ex.buffered = ex.pending_bytes
        return cells[BUFFERED_BYTES] <= self.live.gateway.limits.buffered_total

    def unbuffer(self, ex: ExchangeState) -> None:
        """The collected body of `ex` is gone."""
        self.cells[BUFFERED_BYTES] -= ex.buffered
        ex.buffered = 0

    def refused(self, refusal: Refusal) -> None:
        """Count a refusal that belongs to no exchange."""
        self.cells[REFUSALS + refusal] += 1

    def answer(self, ex: Exchange) -> None:
        """Answer for a route that has no upstream: a redirect or a fixed response."""
        plan = ex.plan
        if not ex.request_id:
            forward.identify(ex)  # for the log
        ex.counts(plan.base)
        head, body = _redirect(ex, plan) if plan.answer is None else plan.answer
        closes = ex.client.closes_after(ex) or not ex.request_done
        ex.close = closes
        ex.status = plan.status
        ex.started = True
        ending = wire.CONNECTION_CLOSE if closes else b""
        if ex.http10 and not closes:
            ending = wire.CONNECTION_KEEP_ALIVE
        if ex.method != b"HEAD":
            ex.bytes_out = len(body)
            ending += b"\r\n" + body
        else:
            ending += b"\r\n"
        ex.client.transport.write(head + plan.own_lines + ending)
        ex.answered()

    def _tick(self, now: float) -> None:
        self.now = now
        self._ticks += 1
        if self._ticks % _POOL_SWEEP == 0:
            for pool in self._pools.values():
                for endpoint in pool.endpoints:
                    endpoint.sweep(now)


def _redirect(ex: Exchange, plan: RoutePlan) -> tuple[bytes, bytes]:
    assert plan.redirect is not None
    location = plan.redirect.location(
        https=ex.client.origin(ex).https,
        host=ex.host,
        path=ex.path,
        query=ex.query,
    )
    head = wire.STATUS_LINES[plan.redirect.status]
    return head + b"Location: %b\r\nContent-Length: 0\r\n" % location, b""
