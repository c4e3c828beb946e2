import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from strangler.config.model import Endpoint, Health, Table, Upstream
from strangler.proxy.health import EndpointHealth, HealthBoard, HealthChecker, check

SETTINGS = Health("/readyz", timeout=5.0, unhealthy_after=2, healthy_after=1)
A, B = ("reviews", "http://127.0.0.1:1"), ("reviews", "http://127.0.0.1:2")


def board(*ports: int) -> HealthBoard:
    found = HealthBoard()
    found.follow(table(*ports))
    return found


def table(*ports: int) -> Table:
    endpoints = tuple(Endpoint("127.0.0.1", port) for port in ports)
    plain = Upstream("legacy", (Endpoint("127.0.0.1", 9),))
    checked = Upstream("reviews", endpoints, health=SETTINGS)
    return Table(1, {"legacy": plain, "reviews": checked}, "legacy")


def test_thresholds_count_results_in_a_row() -> None:
    state = EndpointHealth()
    settings = Health("/", unhealthy_after=2, healthy_after=2)
    results = [False, True, False, False, True, False, True, True]
    assert [state.record(passed, settings) for passed in results] == [
        False, False, False, True, False, False, False, True,
    ]  # fmt: skip
    assert state.up


def test_endpoints_start_as_up_and_unchecked_upstreams_are_not_listed() -> None:
    assert board(1, 2).states == {A: True, B: True}


def test_one_down_is_left_out_and_all_down_is_panic() -> None:
    found = board(1, 2)
    for _ in range(2):
        found.record(A, False, SETTINGS)
    assert (found.left_out(), found.panic()) == ({A}, frozenset())
    for _ in range(2):
        found.record(B, False, SETTINGS)
    assert (found.left_out(), found.panic()) == (frozenset(), {"reviews"})
    found.record(A, True, SETTINGS)
    assert (found.left_out(), found.panic()) == ({B}, frozenset())


def test_a_new_table_keeps_what_is_known_and_forgets_what_is_gone() -> None:
    found = board(1, 2)
    for _ in range(2):
        found.record(A, False, SETTINGS)
    found.follow(table(1))
    assert found.states == {A: False}
    assert not found.record(B, False, SETTINGS)


@pytest.mark.parametrize(("status", "passed"), [(200, True), (204, True), (302, True),
                                                (404, False), (503, False)])  # fmt: skip
async def test_a_check_asks_the_endpoint(status: int, passed: bool) -> None:
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.path, request.host))
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        upstream = Upstream("reviews", (Endpoint("127.0.0.1", server.port),), host="shop.test")
        assert await check(upstream, upstream.endpoints[0], SETTINGS) is passed
    assert seen == [("/readyz", "shop.test")]


async def test_an_endpoint_that_cannot_be_reached_fails(tmp_path) -> None:
    upstream = Upstream("reviews", (Endpoint("", 0, unix=str(tmp_path / "none.sock")),))
    assert not await check(upstream, upstream.endpoints[0], SETTINGS)


async def test_an_endpoint_that_is_checked_no_more_counts_as_up() -> None:
    told = []
    checker = HealthChecker(lambda place, up: told.append((place, up)))
    checker.follow(table(1, 2))
    for _ in range(2):
        checker.board.record(A, False, SETTINGS)
    checker.follow(table(2))
    assert told == [(A, True)]


async def test_checks_go_on_under_a_new_table_and_tell_what_changes() -> None:
    status = 200

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/ready", answer)
    told: asyncio.Queue[tuple[tuple[str, str], bool]] = asyncio.Queue()
    checker = HealthChecker(lambda place, up: told.put_nowait((place, up)))
    settings = Health("/ready", interval=0.02, unhealthy_after=1)
    async with TestServer(app) as server, asyncio.TaskGroup() as group:
        endpoints = (Endpoint("127.0.0.1", server.port), Endpoint("localhost", server.port))
        runner = group.create_task(checker.run())
        checked = Upstream("reviews", endpoints[:1], health=settings)
        checker.follow(Table(1, {"reviews": checked}, "reviews"))
        status = 503
        while not checker.board.panic():
            await asyncio.sleep(0.01)
        assert told.empty()  # all down: the workers go on using all
        checked = Upstream("reviews", endpoints, health=settings)
        checker.follow(Table(2, {"reviews": checked}, "reviews"))
        status = 200
        while checker.board.states != dict.fromkeys(checker.board.states, True):
            await asyncio.sleep(0.01)
        assert len(checker.board.states) == 2
        runner.cancel()


@pytest.mark.parametrize(
    "said",
    [
        b"", b"\x00" * 5000, b"HTTP/1.1 999999999999 x\r\n\r\n", b"HTTP/1.1 200\r\n:\r\n\r\n",
        b"HTTP/1.1 302 F\r\nLocation: http://[\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", b"SSH-2.0-x\r\n",
    ],
)  # fmt: skip
async def test_an_endpoint_that_talks_nonsense_is_not_well_and_nothing_worse(said: bytes) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
        assert not await check(Upstream("reviews", (endpoint,)), endpoint, SETTINGS)
