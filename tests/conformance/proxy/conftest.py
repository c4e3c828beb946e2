"""Fixtures around `support.wire`; the tests run on uvloop, as a worker does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack

import pytest
import uvloop
from support.wire import Gateway, RawUpstream, Wire, client_of, parse, simple


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def upstream(stack: AsyncExitStack) -> RawUpstream:
    server = RawUpstream()
    await server.start()
    stack.push_async_callback(server.stop)
    return server


@pytest.fixture
def another(stack: AsyncExitStack) -> Callable:
    """Makes further upstreams."""

    async def make() -> RawUpstream:
        server = RawUpstream()
        await server.start()
        stack.push_async_callback(server.stop)
        return server

    return make


@pytest.fixture
def run(stack: AsyncExitStack) -> Callable:
    """Starts a gateway for a table given as text."""

    async def start(text: str) -> Gateway:
        gateway = Gateway(parse(text))
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        return gateway

    return start


@pytest.fixture
async def gateway(run: Callable, upstream: RawUpstream) -> Gateway:
    """In front of `upstream`, with every default."""
    return await run(simple(upstream))


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[Wire]:
    async with client_of(gateway) as wire:
        yield wire
