"""Worker processes under their supervisor: versions, restarts, deaths, lease, health."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import aiohttp
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from strangler.config.model import Endpoint, Health, Upstream, UpstreamTls
from strangler.proxy.heartbeat import watch_loops
from strangler.proxy.slot import WorkerStartError
from strangler.proxy.status import Stage
from strangler.proxy.supervisor import Settings, Supervisor
from strangler.telemetry.prometheus import render


async def until(condition) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def metric(supervisor: Supervisor, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    page = render(supervisor.metrics("test"))
    return sum(
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == f"strangler_{name}" and labels.items() <= sample.labels.items()
    )


async def get(client: aiohttp.ClientSession, supervisor: Supervisor, path: str = "/") -> int:
    async with client.get(f"http://{supervisor.address}{path}") as answer:
        await answer.read()
        return answer.status


class Load:
    """Clients that reuse their connections and keep asking; counts what went right and wrong."""

    def __init__(self, supervisor: Supervisor, clients: int = 8) -> None:
        self.right, self.wrong = 0, []
        self._supervisor, self._clients = supervisor, clients
        self._over = False

    async def __aenter__(self) -> "Load":
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        for _ in range(self._clients):
            self._group.create_task(self._ask())
        await until(lambda: self.right > 50)
        return self

    async def __aexit__(self, *error) -> None:
        self._over = True
        await self._group.__aexit__(*error)

    async def _ask(self) -> None:
        async with aiohttp.ClientSession() as session:
            while not self._over:
                try:
                    async with session.post(
                        f"http://{self._supervisor.address}/", data=b"x"
                    ) as answer:
                        assert (answer.status, await answer.read()) == (200, b"x")
                        self.right += 1
                except (aiohttp.ClientError, AssertionError) as error:
                    self.wrong.append(error)


async def test_every_worker_acknowledges_each_version(gateway, legacy, client) -> None:
    async with gateway(legacy.table(1), workers=2) as supervisor:
        first = supervisor.status()
        assert [w.version for w in first.workers] == [1, 1]
        published = await supervisor.publish(legacy.table(2))
        assert published.complete
        assert {a.slot for a in published.acknowledgements} == {0, 1}
        assert await get(client, supervisor) == 200
        assert supervisor.status().version == 2
        assert metric(supervisor, "table_version", slot="1") == 2
        with pytest.raises(ValueError, match="does not follow"):
            await supervisor.publish(legacy.table(2))


async def test_a_rolling_restart_fails_no_request(gateway, legacy) -> None:
    async with gateway(legacy.table(), workers=2) as supervisor:
        before = {process.pid for process in supervisor.processes}
        async with Load(supervisor) as load:
            await supervisor.restart_workers()
            done = load.right
            await until(lambda: load.right > done + 50)
        assert load.wrong == []
        after = {process.pid for process in supervisor.processes}
        assert len(after) == 2
        assert not after & before
        assert supervisor.status().restarts == {0: 0, 1: 0}
        assert metric(supervisor, "requests_total", code_class="2xx") == load.right


async def test_publishing_under_load_fails_no_request(gateway, legacy) -> None:
    async with gateway(legacy.table(), workers=2) as supervisor, Load(supervisor) as load:
        for version in range(2, 22):
            assert (await supervisor.publish(legacy.table(version))).complete
    assert load.wrong == []


async def test_a_killed_worker_takes_only_its_own_connections_along(gateway, legacy) -> None:
    async with gateway(legacy.table(), workers=2) as supervisor:
        async with Load(supervisor, clients=12) as load:
            victim = supervisor.processes[0]
            victim.kill()
            await until(lambda: supervisor.status().restarts[0] == 1)
            await until(
                lambda: [w.stage for w in supervisor.status().workers] == [Stage.SERVING] * 2
            )
            done = load.right
            await until(lambda: load.right > done + 50)
        assert len(load.wrong) <= 12  # at most one request on each connection
        assert victim.pid not in {process.pid for process in supervisor.processes}
        assert metric(supervisor, "worker_restarts_total") == 1
        counted = metric(supervisor, "requests_total", code_class="2xx")
        assert load.right <= counted <= load.right + 12  # nothing it had counted is lost
        await until(lambda: metric(supervisor, "requests_in_flight") == 0)


async def test_a_worker_that_starts_later_gets_the_newest_table(gateway, legacy) -> None:
    async with gateway(legacy.table(1)) as supervisor:
        await supervisor.publish(legacy.table(2))
        supervisor.processes[0].kill()
        await until(lambda: supervisor.status().restarts[0] == 1)
        await until(lambda: [w.version for w in supervisor.status().workers] == [2])


async def test_a_worker_that_was_sent_away_is_replaced(gateway, legacy, client) -> None:
    async with gateway(legacy.table()) as supervisor:
        os.kill(supervisor.processes[0].pid, signal.SIGTERM)
        await until(lambda: supervisor.status().restarts[0] == 1)
        assert await get(client, supervisor) == 200  # waits in the socket for the successor


async def test_a_worker_whose_loop_is_stuck_is_replaced(gateway, legacy, client) -> None:
    async with gateway(legacy.table()) as supervisor, asyncio.TaskGroup() as group:
        watch = group.create_task(
            watch_loops(lambda: supervisor.processes, every=0.05, hangs_after=1.0)
        )
        os.kill(supervisor.processes[0].pid, signal.SIGSTOP)
        await until(lambda: supervisor.status().restarts[0] == 1)
        watch.cancel()
        assert await get(client, supervisor) == 200


async def test_a_pause_of_the_supervisor_is_not_held_against_the_workers(gateway, legacy) -> None:
    async with gateway(legacy.table()) as supervisor, asyncio.TaskGroup() as group:
        watch = group.create_task(
            watch_loops(lambda: supervisor.processes, every=0.05, hangs_after=0.4)
        )
        before = supervisor.processes[0]
        await until(lambda: before.pong.resident_bytes)
        time.sleep(0.5)  # the loop stands still, as after SIGSTOP
        answered = before.pong.sent_ns
        await until(lambda: before.pong.sent_ns > answered or before.exit_code is not None)
        watch.cancel()
        assert supervisor.processes == [before]


async def test_writes_in_flight_are_told_with_the_fence_and_when_they_end(
    gateway, legacy, client
) -> None:
    async with gateway(legacy.table(1), workers=2) as supervisor, asyncio.TaskGroup() as group:
        write = group.create_task(client.post(f"http://{supervisor.address}/slow", data=b"x"))
        await legacy.asked(1)
        published = await supervisor.publish(legacy.table(2, fenced=True))
        counts = [a.writes_in_flight.get("orders", 0) for a in published.acknowledgements]
        assert sorted(counts) == [0, 1]
        assert not await supervisor.quiet("orders", 0.05)
        legacy.go.set()
        assert await supervisor.quiet("orders", 60)
        (await write).release()


async def test_a_draining_worker_counts_until_its_writes_have_ended(
    gateway, legacy, client
) -> None:
    async with gateway(legacy.table(1)) as supervisor, asyncio.TaskGroup() as group:
        write = group.create_task(client.post(f"http://{supervisor.address}/slow", data=b"x"))
        await legacy.asked(1)
        restart = group.create_task(supervisor.restart_workers())
        await until(
            lambda: (
                len(supervisor.status().workers) == 2
                and supervisor.processes[1].listening
                and supervisor.processes[0].draining
            )
        )
        published = await supervisor.publish(legacy.table(2, fenced=True))
        assert [a.writes_in_flight.get("orders", 0) for a in published.acknowledgements] == [1, 0]
        legacy.go.set()
        assert await supervisor.quiet("orders", 60)
        assert (await write).status == 200
        await restart


def unreadable(table):
    """A table that no worker can compile: a file that it names is missing."""
    broken = replace(table.upstreams["legacy"], tls=UpstreamTls(ca="/nonexistent.pem"))
    endpoints = (replace(broken.endpoints[0], tls=True),)
    return replace(table, upstreams={"legacy": replace(broken, endpoints=endpoints)})


async def test_a_bad_first_table_starts_nothing(legacy) -> None:
    async with Supervisor(Settings("127.0.0.1:0", 2, b"k" * 32)) as supervisor:
        with pytest.raises(WorkerStartError, match="did not come up: FileNotFoundError"):
            await supervisor.start(unreadable(legacy.table()))


async def test_a_command_that_cannot_be_run_is_said(legacy) -> None:
    settings = Settings("127.0.0.1:0", 1, b"k" * 32, command=("/nonexistent/python",))
    async with Supervisor(settings) as supervisor:
        with pytest.raises(WorkerStartError, match="could not be started"):
            await supervisor.start(legacy.table())


async def test_a_table_that_nobody_can_take_changes_nothing(gateway, legacy, client) -> None:
    async with gateway(legacy.table(1), workers=2) as supervisor:
        published = await supervisor.publish(unreadable(legacy.table(2)))
        assert not published.complete
        assert all("FileNotFoundError" in failure.reason for failure in published.failures)
        assert supervisor.status().version == 1
        assert await get(client, supervisor) == 200
        assert metric(supervisor, "reload_refused_total") == 1
        supervisor.processes[0].kill()
        await until(lambda: supervisor.status().restarts[0] == 1)
        await until(lambda: [w.version for w in supervisor.status().workers] == [1, 1])
        assert (await supervisor.publish(legacy.table(2))).complete


async def test_without_a_lease_writes_of_groups_with_streams_are_refused(
    gateway, legacy, client
) -> None:
    confirmed = asyncio.Event()

    async def renew() -> None:
        if not confirmed.is_set():
            raise ConnectionError("the store is away")

    async with gateway(legacy.table(), renew=renew, lease=0.3) as supervisor:
        url = f"http://{supervisor.address}"
        async with client.post(f"{url}/orders") as answer:
            assert answer.status == 503
        async with client.post(f"{url}/elsewhere") as answer:
            assert answer.status == 200
        assert await get(client, supervisor, "/orders") == 200
        assert metric(supervisor, "refusals_total", reason="lease_lost") == 1
        confirmed.set()
        await until(lambda: supervisor.status().lease_remaining > 0)
        async with client.post(f"{url}/orders") as answer:
            assert answer.status == 200


async def test_an_endpoint_that_fails_its_checks_gets_no_requests(gateway, legacy, client) -> None:
    table = legacy.table()
    dead = Endpoint("127.0.0.1", 9)  # discard: nobody listens
    checked = Upstream(
        "legacy", (dead, *table.upstreams["legacy"].endpoints),
        health=Health("/readyz", interval=0.05, unhealthy_after=1),
    )  # fmt: skip
    table = replace(table, upstreams={"legacy": checked})
    async with gateway(table) as supervisor:
        await until(lambda: not supervisor.status().endpoints["legacy", str(dead)])
        supervisor.processes[0].kill()  # the successor must know as well
        await until(lambda: supervisor.status().restarts[0] == 1)
        for _ in range(10):
            assert await get(client, supervisor) == 200
        assert metric(supervisor, "retries_total") == 0
        assert metric(supervisor, "upstream_panic", upstream="legacy") == 0


async def test_a_worker_is_lean(gateway, legacy, client) -> None:
    async with gateway(legacy.table()) as supervisor:
        assert await get(client, supervisor) == 200
        worker = psutil.Process(supervisor.processes[0].pid)
        assert worker.memory_info().rss < 32 * 1024 * 1024
        await until(lambda: supervisor.status().workers[0].resident_bytes > 1_000_000)


def test_a_worker_imports_no_control_plane_and_nothing_that_draws() -> None:
    code = """
import sys
sys.argv = ["worker"]
from strangler.proxy import worker_main
try:
    worker_main.start()
except SystemExit:  # no descriptors were named
    print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert {"strangler", "httptools", "structlog"} <= loaded
    kept_out = {"aiohttp", "click", "django", "sqlalchemy", "yaml", "watchfiles"}
    assert not loaded & (kept_out | {"attr", "pygments", "tempfile"})
