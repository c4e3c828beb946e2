"""Random walks over a live data plane: however a walk goes, the accounts balance at its end.

The fenced cutover believes `writes_in_flight`; balancing and limits believe the endpoints' counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

import pytest
import uvloop
from support.wire import Gateway, RawUpstream, Wire, fenced, parse

from strangler.proxy.counters import (
    BUFFERED_BYTES,
    CONNECTIONS,
    HELD,
    IN_FLIGHT,
    OTHER,
    TUNNELS,
    UPSTREAM_CONNECTIONS,
)
from strangler.proxy.deadlines import Phase

WALKS = 40
STEPS = 120

REQUESTS = (
    b"GET /api/x HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /api/x HTTP/1.1\r\nHost: h\r\n\r\n",
    b"HEAD /api/x HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /else HTTP/1.0\r\n\r\n",
    b"GET /api/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    b"GET /gone HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /gone/..%2fapi HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /api/x HTTP/1.1\r\n\r\n",
    b"POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc",
    b"PUT /else HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000,
    b"PUT /else HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"POST /api/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    b"POST /api/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabX\r\n",
    b"POST /else HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\nabc",
    b"POST /gone HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab",
    b"GET /api/x HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET /api/x HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly",
    b"abc", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"0\r\n\r\n", b"GET /", b"\r\n\r\n", b"\x00",
)  # fmt: skip
ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok too much",
    b"HTTP/1.1 200 OK\r\nContent-Length: 700000\r\n\r\n" + b"x" * 700_000,
    b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 6_000_000,
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"HTTP/1.1 2", b"nonsense\r\n\r\n", b"ok",
)  # fmt: skip


def table(old: RawUpstream, new: RawUpstream, dead: int, rng: random.Random, version: int) -> str:
    share = rng.choice([0, 30, 100])
    buffering = rng.choice(["off", "chunked", "all"])
    return f"""version: {version}
gateway:
  limits: {{buffered_total: 256KiB, buffered_body: 128KiB, body: 400KiB, connections: 12}}
  hold: {{requests: 3, time: 300ms}}
  timeouts: {{header: 400ms, body: 400ms, send: 400ms, keep_alive: 400ms}}
upstreams:
  legacy:
    endpoints: ['http://127.0.0.1:{old.port}', 'http://127.0.0.1:{dead}']
    request_buffering: {buffering}
    max_connections: {rng.choice([2, 100])}
    pool_size: {rng.choice([1, 100])}
    pool_idle: {rng.choice(["1ms", "10s"])}
    timeouts: {{connect: 300ms, first_byte: 300ms, idle: 300ms, total: {rng.choice([1, 60])}s}}
  fresh:
    endpoints: ['http://127.0.0.1:{new.port}']
    timeouts: {{first_byte: 400ms, idle: 400ms}}
default: legacy
routes:
  - name: api
    group: api
    match: {{prefix: /api}}
    split: {{fresh: {share}, legacy: {100 - share}}}
  - name: gone
    match: {{prefix: /gone}}
    respond: {{status: 410, body: gone}}
"""


class Walk:
    """One gateway, two endpoints and a dead one, and clients that come and go."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.old, self.new = RawUpstream(), RawUpstream()
        self.clients: list[Wire] = []
        self.version = 1
        self.faults: list[dict] = []
        self.quiet: list[str] = []

    async def start(self) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, seen: self.faults.append(seen))
        await self.old.start()
        await self.new.start()
        dead = RawUpstream()
        await dead.start()
        await dead.stop()
        self.dead = dead.port
        self.gateway = Gateway(parse(self.table()))
        self.gateway.plane.on_quiet = self.quiet.append
        await self.gateway.start()

    def table(self) -> str:
        return table(self.old, self.new, self.dead, self.rng, self.version)

    def some(self, wires: list[Wire]) -> Wire | None:
        open_ = [wire for wire in wires if not wire.writer.transport.is_closing()]
        return self.rng.choice(open_) if open_ else None

    @staticmethod
    def put(wire: Wire, data: bytes) -> None:
        with contextlib.suppress(RuntimeError):  # half-closed before
            wire.writer.write(data)

    # the steps

    async def connect(self) -> None:
        self.clients.append(await self.gateway.connect())

    async def request(self) -> None:
        client = self.some(self.clients)
        if client is not None:
            count = self.rng.choice([1, 1, 1, 2, 5])
            self.put(client, b"".join(self.rng.choices(REQUESTS, k=count)))

    async def answer(self) -> None:
        server = self.some(self.old.wires + self.new.wires)
        if server is not None:
            self.put(server, self.rng.choice(ANSWERS))

    async def read(self) -> None:
        wire = self.some(self.clients + self.old.wires + self.new.wires)
        if wire is not None:
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(0.001):
                    await wire.reader.read(1 << 20)

    async def leave(self) -> None:
        wire = self.some(self.clients + self.old.wires + self.new.wires)
        if wire is not None:
            how = self.rng.choice([wire.close, wire.abort, wire.half_close])
            with contextlib.suppress(OSError, RuntimeError):
                how()

    async def install(self) -> None:
        self.version += 1
        self.gateway.install(self.table())

    async def fence(self) -> None:
        self.version += 1
        fence = fenced(self.table())
        self.gateway.plane.install(fence, self.gateway.series.assign(fence))

    async def lease(self) -> None:
        self.gateway.lease.holds = not self.gateway.lease.holds

    async def late(self) -> None:
        clients = [c for c in self.gateway.plane.clients if c.phase is not Phase.IDLE]
        if clients:
            self.rng.choice(clients).late(self.gateway.plane.now)

    async def health(self) -> None:
        endpoint = f"http://127.0.0.1:{self.old.port}"
        self.gateway.plane.set_health("legacy", endpoint, up=self.rng.random() < 0.5)

    async def wait(self) -> None:
        await asyncio.sleep(self.rng.choice([0, 0.001, 0.005]))

    async def go(self) -> None:
        steps: dict[Callable[[], Awaitable[None]], int] = {
            self.connect: 6, self.request: 16, self.answer: 14, self.read: 6, self.leave: 3,
            self.install: 1, self.fence: 1, self.lease: 1, self.late: 1, self.health: 1,
            self.wait: 16,
        }  # fmt: skip
        for step in self.rng.choices(list(steps), list(steps.values()), k=STEPS):
            await step()
            self.check()

    # what must be true

    def check(self) -> None:
        """At any time."""
        plane = self.gateway.plane
        cells = self.gateway.cells
        exchanges = [c.exchange for c in plane.clients if c.exchange and not c.exchange.over]
        writes = [ex for ex in exchanges if ex.counted]
        assert sum(plane.writes_in_flight().values()) == len(writes)
        assert cells[HELD] == sum(ex.held for ex in exchanges)
        assert cells[TUNNELS] == len(plane.tunnels)
        assert cells[BUFFERED_BYTES] == sum(ex.buffered for ex in exchanges)
        assert self.in_flight() == sum(ex.in_flight for ex in exchanges)

    def in_flight(self) -> int:
        bases = [OTHER, *self.gateway.series.bases.values()]
        return sum(self.gateway.cells[base + IN_FLIGHT] for base in bases)

    async def end(self) -> None:
        """Everybody leaves; nothing may be left."""
        pools = list(self.gateway.plane._pools.values())
        self.abort_all()
        cells = self.gateway.cells
        gauges = (CONNECTIONS, HELD, TUNNELS, BUFFERED_BYTES, UPSTREAM_CONNECTIONS)
        endpoints = [endpoint for pool in pools for endpoint in pool.endpoints]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                while any(cells[gauge] for gauge in gauges) or any(e.open for e in endpoints):
                    self.abort_all()  # those that were accepted meanwhile, too
                    await asyncio.sleep(0.01)
        self.check()
        assert [cells[gauge] for gauge in gauges] == [0] * len(gauges)
        assert self.in_flight() == 0
        assert self.gateway.plane.writes_in_flight() == {}
        assert [(e.in_flight, e.open, e.idle) for e in endpoints] == [(0, 0, [])] * len(endpoints)
        hold = self.gateway.plane.hold
        assert (len(hold._held), len(hold._ready), hold._released) == (0, 0, 0)
        assert self.faults == []

    def abort_all(self) -> None:
        for wire in [*self.clients, *self.old.wires, *self.new.wires]:
            wire.writer.transport.abort()

    async def stop(self) -> None:
        self.abort_all()
        await self.gateway.stop()
        await self.old.stop()
        await self.new.stop()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("seed", range(WALKS))
def test_the_accounts_balance(seed):
    async def walk() -> None:
        way = Walk(seed)
        await way.start()
        try:
            await way.go()
            await way.end()
        finally:
            await way.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(walk())
