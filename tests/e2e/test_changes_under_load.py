"""Orders keep coming while tables are reloaded and workers leave; none is lost, none doubled."""

import asyncio
import contextlib
import http.client
import os
import re
import signal

import aiohttp
import psutil
import pytest

from tests.e2e.gateway import Gateway
from tests.integration.legacy_monolith.shop_process import Browser

TABLE = """\
upstreams:
  legacy: {{endpoints: ["http://127.0.0.1:{legacy}"]}}
  other: {{endpoints: ["http://127.0.0.1:{legacy}"]}}
default: legacy
routes:
  - name: reviews
    match: {{prefix: /api/reviews, methods: [GET]}}
    split: {{other: 50, legacy: 50}}
"""
ORDERS = 1_000
RELOADS = 20
BUYERS = 8


@pytest.fixture
def gateway(legacy, tmp_path):
    running = Gateway(tmp_path, TABLE.format(legacy=legacy), workers=2)
    yield running
    running.close()


class Buyers:
    """Places orders of one member from several connections; every answer is kept."""

    def __init__(self, port: int, member: Browser) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.cookies = "; ".join(f"{name}={value}" for name, value in member.cookies.items())
        self.token = member.get("/api/csrf").json["token"]
        self.left = iter(range(ORDERS))
        self.ids: list[int] = []
        self.failures: list[str] = []

    async def buy(self) -> None:
        headers = {"Cookie": self.cookies, "X-CSRFToken": self.token}
        async with aiohttp.ClientSession(self.url, headers=headers) as session:
            for number in self.left:
                line = {"product_id": 2 + number % 23, "quantity": 1}
                try:
                    async with session.post("/api/orders", json={"lines": [line]}) as answer:
                        if answer.status == 201:
                            self.ids.append((await answer.json())["id"])
                        else:
                            self.failures.append(f"{answer.status} {await answer.text()}")
                except (aiohttp.ClientError, TimeoutError) as error:
                    self.failures.append(repr(error))


async def ask(function, *arguments):
    """The gateway's admin API from a thread: the buyers go on."""
    return await asyncio.to_thread(function, *arguments)


async def until(condition, gateway) -> None:
    async with asyncio.timeout(60):
        while not await ask(condition):
            await asyncio.sleep(0.05)
    assert gateway.process.poll() is None


async def reload(gateway: Gateway) -> None:
    # Always a new split: one that was live before would take back a change, and be refused.
    for percent in range(51, 51 + RELOADS):
        split = f"split: {{other: {percent}, legacy: {100 - percent}}}"
        version = gateway.save(lambda text, split=split: re.sub("split: {.*}", split, text))
        await until(lambda version=version: gateway.serves(version), gateway)


async def replace_workers(gateway: Gateway) -> None:
    """A rolling restart: each worker is asked to leave when the one before has a successor."""
    for worker in await ask(gateway.workers):
        os.kill(worker, signal.SIGTERM)
        await until(
            lambda gone=worker: gone not in gateway.workers() and len(gateway.workers()) == 2,
            gateway,
        )


async def test_no_order_is_lost_or_doubled(gateway):
    member = Browser(gateway.port).log_in("member3")
    before = member.get("/api/orders").json["count"]
    buyers = Buyers(gateway.port, member)
    async with asyncio.TaskGroup() as group:
        for _ in range(BUYERS):
            group.create_task(buyers.buy())
        await reload(gateway)
        await replace_workers(gateway)
        assert next(buyers.left, None) is not None, "the orders ended before the changes did"
    assert buyers.failures == []
    assert len(set(buyers.ids)) == ORDERS - 1  # one was taken by the check above
    assert member.get("/api/orders").json["count"] == before + ORDERS - 1


def clients_of(worker: int) -> set[int]:
    """The ports of the clients whose connections a worker holds."""
    connections = psutil.Process(worker).net_connections("tcp")
    return {each.raddr.port for each in connections if each.status == psutil.CONN_ESTABLISHED}


def answers(connection: http.client.HTTPConnection) -> bool:
    """Whether a connection that is open already still carries a request."""
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().read() != b""
    except (http.client.HTTPException, OSError):
        return False


def test_a_killed_worker_takes_only_its_own_connections_along(gateway):
    killed, spared = gateway.workers()
    with contextlib.ExitStack() as kept:
        connections: dict[int, http.client.HTTPConnection] = {}
        for _ in range(40):
            connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
            connection.auto_open = False  # a lost connection stays lost
            kept.callback(connection.close)
            connection.connect()
            assert answers(connection)
            connections[connection.sock.getsockname()[1]] = connection
        lost = clients_of(killed) & connections.keys()
        assert lost
        assert clients_of(spared) >= connections.keys() - lost
        os.kill(killed, signal.SIGKILL)
        gone = {port for port, connection in connections.items() if not answers(connection)}
        assert gone == lost
    for _ in range(20):  # the dead worker's socket waits for its successor
        assert Browser(gateway.port).get("/healthz").status == 200
    assert spared in gateway.workers()
