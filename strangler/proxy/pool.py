"""Connections to endpoints: kept, picked, opened, and never used when they may be half dead.

One `UpstreamPool` per upstream and worker, one `EndpointPool` per endpoint in it. Both live on
over table versions as long as the endpoint is named; an endpoint that is no longer named closes
its idle connections and lets the busy ones finish.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Final

import structlog

from strangler.config.model import Balance, Endpoint, Upstream
from strangler.proxy.counters import UPSTREAM_CONNECTS_TOTAL, Refusal
from strangler.proxy.upstream import UpstreamConnection

if TYPE_CHECKING:
    from strangler.proxy.sender import Sender

log = structlog.get_logger()

KEEP_IDLE: Final = 60.0
"""Seconds after which an unused connection is closed."""


class EndpointPool:
    """The connections to one endpoint."""

    def __init__(
        self, endpoint: Endpoint, upstream: Upstream, tls: ssl.SSLContext | None, cells: memoryview
    ) -> None:
        self.endpoint: Final = endpoint
        self.authority: Final = authority(endpoint)
        self.cells: Final = cells
        self.upstream = upstream
        self.tls = tls
        self.up = True
        self.retired = False
        self.in_flight = 0
        """Requests that have a connection or wait for one."""
        self.open = 0
        """Connections, those being opened included."""
        self.idle: list[UpstreamConnection] = []
        """Oldest first; the last one is the freshest and is used first."""
        self.addresses: tuple[str, ...] = ()
        """What the name resolved to; empty until the first look-up and for Unix sockets."""
        self._turn = 0
        self._opening: set[asyncio.Task[None]] = set()

    def take(self, *, safe: bool) -> UpstreamConnection | None:
        """The freshest idle connection, or None when a request must open its own.

        An unsafe request gets only one that was idle for less than `pool_idle`: an older one may
        be closed by the endpoint at this moment, and a write cannot be sent again.
        """
        while self.idle:
            connection = self.idle[-1]
            if not safe and monotonic() - connection.idle_since >= self.upstream.pool_idle:
                return None
            self.idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    def begin_open(self, ex: Sender) -> Refusal | None:
        """Open a connection for `ex`, which is told of the outcome; or say why not."""
        if self.open >= self.upstream.max_connections:
            if not self.idle:
                return Refusal.UPSTREAM_CONNECTIONS
            self.idle.pop(0).close()  # too old for this request: a fresh one takes its place
        self.open += 1
        self.cells[UPSTREAM_CONNECTS_TOTAL] += 1
        task = asyncio.get_running_loop().create_task(self._open(ex))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return None

    async def _open(self, ex: Sender) -> None:
        refusal = Refusal.CONNECT_FAILED
        limit = ex.side.connect
        try:
            async with asyncio.timeout(limit if limit < 1e9 else None):
                connection = await self._connect()
        except TimeoutError:
            refusal = Refusal.CONNECT_TIMEOUT
        except (OSError, UnicodeError) as error:
            log.warning("connect_failed", endpoint=str(self.endpoint), error=str(error))
        else:
            if connection.transport.is_closing():  # lost already: nothing can be sent on it
                ex.connect_failed(refusal)
            elif not ex.connected(connection):  # the client left while we were connecting
                connection.release(monotonic())
            return
        self.open -= 1
        ex.connect_failed(refusal)

    async def _connect(self) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        make: Callable[[], UpstreamConnection] = lambda: UpstreamConnection(self)  # noqa: E731
        endpoint = self.endpoint
        if endpoint.unix is not None:
            return (await loop.create_unix_connection(make, endpoint.unix))[1]
        name = self.upstream.tls.server_name or endpoint.host if self.tls else None
        failure: OSError = OSError("no address")
        for address in self._in_turn():
            try:
                _, connection = await loop.create_connection(
                    make, address, endpoint.port, ssl=self.tls, server_hostname=name
                )
            except OSError as error:
                failure = error
            else:
                return connection
        raise failure

    def _in_turn(self) -> tuple[str, ...]:
        """The addresses to try: each connection begins with the next one."""
        known = self.addresses
        if not known:
            return (self.endpoint.host,)
        self._turn = (self._turn + 1) % len(known)
        return known[self._turn :] + known[: self._turn]

    def closed(self, connection: UpstreamConnection) -> None:
        """A connection is gone."""
        self.open -= 1
        if connection in self.idle:
            self.idle.remove(connection)

    def resolved(self, addresses: tuple[str, ...]) -> None:
        """The name has these addresses now; connections to others are not used again."""
        if self.addresses and set(self.addresses) - set(addresses):
            self._drop(lambda connection: connection.peer not in addresses)
        self.addresses = addresses

    def sweep(self, now: float) -> None:
        """Close what was not used for long."""
        self._drop(lambda connection: now - connection.idle_since > KEEP_IDLE)

    def retire(self) -> None:
        """The endpoint is no longer named: close idle connections, let busy ones finish."""
        self.retired = True
        self._drop(lambda _: True)

    def _drop(self, condition: Callable[[UpstreamConnection], bool]) -> None:
        for connection in [c for c in self.idle if condition(c)]:
            self.idle.remove(connection)
            connection.close()


class UpstreamPool:
    """The endpoints of one upstream, and which of them serves the next request."""

    def __init__(self, name: str, cells: memoryview) -> None:
        self.name: Final = name
        self._cells = cells
        self.upstream: Upstream
        self.endpoints: tuple[EndpointPool, ...] = ()
        self.only: EndpointPool | None = None
        """The endpoint, where there is just one: nothing to pick."""
        self._turn = -1

    def update(self, upstream: Upstream, tls: ssl.SSLContext | None) -> None:
        """Take over the settings of a new table version; endpoints that stay keep their pool.

        `tls` is what `client_context` made of the same settings.
        """
        kept = {p.endpoint: p for p in self.endpoints if p.upstream.tls == upstream.tls}
        pools = []
        for endpoint in upstream.endpoints:
            pool = kept.pop(endpoint, None)
            if pool is None:
                pool = EndpointPool(endpoint, upstream, tls if endpoint.tls else None, self._cells)
            pool.upstream = upstream
            pools.append(pool)
        gone = [pool for pool in self.endpoints if pool not in pools]
        self.upstream = upstream
        self.endpoints = tuple(pools)
        self.only = pools[0] if len(pools) == 1 else None
        for pool in gone:
            pool.retire()

    def retire(self) -> None:
        """The upstream is no longer named."""
        for pool in self.endpoints:
            pool.retire()

    def pick(self, tried: tuple[EndpointPool, ...] = ()) -> EndpointPool | None:
        """The endpoint for the next request; never one of `tried`. None when none is left.

        Endpoints that failed their health checks are left out, unless all of them did: then
        trying is better than refusing.
        """
        pools = self.endpoints
        fit = [p for p in pools if p.up and p not in tried]
        if not fit:
            fit = [p for p in pools if p not in tried]
            if not fit:
                return None
        if len(fit) == 1:
            return fit[0]
        return self._balanced(fit)

    def _balanced(self, fit: list[EndpointPool]) -> EndpointPool:
        balance = self.upstream.balance
        if balance is Balance.P2C:
            one, other = random.sample(fit, 2)
            return one if one.in_flight <= other.in_flight else other
        self._turn += 1
        turned = fit[self._turn % len(fit) :] + fit[: self._turn % len(fit)]
        if balance is Balance.ROUND_ROBIN:
            return turned[0]
        return min(turned, key=lambda pool: pool.in_flight)


def authority(endpoint: Endpoint) -> bytes:
    """The endpoint's Host: without the port when it is the scheme's own."""
    if endpoint.unix is not None:
        return b"localhost"
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    own = endpoint.port == (443 if endpoint.tls else 80)
    return (host if own else f"{host}:{endpoint.port}").encode("latin-1")


def client_context(upstream: Upstream) -> ssl.SSLContext | None:
    """How to speak TLS to the upstream; None where it has no `https` endpoint.

    Raises OSError or ssl.SSLError when the file of authorities cannot be used.
    """
    if not any(endpoint.tls for endpoint in upstream.endpoints):
        return None
    context = ssl.create_default_context(cafile=upstream.tls.ca)
    context.set_alpn_protocols(["http/1.1"])
    if not upstream.tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
