"""A WebSocket through the gateway: what goes in comes back."""

import asyncio
import os

import aiohttp
import pytest
from aiohttp import web

from tests.e2e.gateway import Gateway

TABLE = """\
upstreams:
  legacy: {{endpoints: ["http://127.0.0.1:{port}"]}}
default: legacy
"""
CLOSED = web.AppKey("closed", list)
"""The codes with which clients closed."""


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=("echo",), max_msg_size=0)
    await socket.prepare(request)
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            await socket.send_str(message.data)
        else:
            await socket.send_bytes(message.data)
    request.app[CLOSED].append(socket.close_code)
    return socket


@pytest.fixture
async def gateway(tmp_path):
    app = web.Application()
    app[CLOSED] = []
    app.router.add_get("/echo", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    running = Gateway(tmp_path, TABLE.format(port=runner.addresses[0][1]))
    yield running, app[CLOSED]
    running.close()
    await runner.cleanup()


async def test_messages_come_back_whole_and_in_order(gateway):
    running, closed = gateway
    big = os.urandom(1_000_000)
    url = f"http://127.0.0.1:{running.port}/echo"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("echo",), max_msg_size=0) as socket,
    ):
        assert socket.protocol == "echo"
        for number in range(100):
            await socket.send_str(f"message {number}")
        for number in range(100):
            assert await socket.receive_str(timeout=10) == f"message {number}"
        await socket.send_bytes(big)
        assert await socket.receive_bytes(timeout=10) == big
        await socket.close(code=4001, message=b"done")
    async with asyncio.timeout(10):
        while not closed:  # the upstream has answered, and notes it next
            await asyncio.sleep(0.01)
    assert closed == [4001]
