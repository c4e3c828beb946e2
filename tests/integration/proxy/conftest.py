"""A real gateway (supervisor and worker processes) in front of an upstream in the test's loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from strangler.config.model import (
    AccessLog,
    ClientTimeouts,
    Endpoint,
    Fence,
    Gateway,
    Group,
    LogFormat,
    Match,
    PathKind,
    Route,
    Split,
    Table,
    Upstream,
)
from strangler.proxy.supervisor import Settings, Supervisor

QUIET = Gateway(access_log=AccessLog(format=LogFormat.OFF), timeouts=ClientTimeouts(drain=20.0))


class Legacy:
    """An upstream whose answers on /slow wait until the test lets them go."""

    def __init__(self) -> None:
        self.waiting = 0
        self.go = asyncio.Event()
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.path.startswith("/slow"):
            self.waiting += 1
            await self.go.wait()
        return web.Response(body=body or b"legacy")

    async def asked(self, count: int) -> None:
        """Wait until so many slow requests have arrived."""
        while self.waiting < count:
            await asyncio.sleep(0.01)

    def table(self, version: int = 1, gateway: Gateway = QUIET, fenced: bool = False) -> Table:
        """/slow and /orders belong to the group `orders`, which has a stream."""
        routes = tuple(
            Route(name, Match(PathKind.PREFIX, f"/{name}"), Split((("legacy", 10000),)), "orders",
                  "legacy", sync=("orders",))
            for name in ("slow", "orders")
        )  # fmt: skip
        return Table(
            version,
            {"legacy": Upstream("legacy", (Endpoint("127.0.0.1", self.port),))},
            "legacy",
            routes,
            groups={"orders": Group("orders", "orders")},
            gateway=gateway,
            fences=(Fence("orders", "attempt-1", 2e9),) if fenced else (),
        )


@pytest.fixture
async def legacy() -> AsyncIterator[Legacy]:
    upstream = Legacy()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", upstream.answer)
    async with TestServer(app) as server:
        upstream.port = server.port
        yield upstream
        upstream.go.set()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


@pytest.fixture
def gateway() -> Callable:
    """`async with gateway(table, workers=2) as supervisor:`."""

    @asynccontextmanager
    async def run(table: Table, workers: int = 1, **options) -> AsyncIterator[Supervisor]:
        renew = {key: options.pop(key) for key in ("renew",) if key in options}
        settings = replace(Settings("127.0.0.1:0", workers, b"k" * 32), **options)
        async with Supervisor(settings, **renew) as supervisor:
            await supervisor.start(table)
            yield supervisor

    return run
