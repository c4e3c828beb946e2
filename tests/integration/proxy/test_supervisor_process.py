"""The supervisor's process from outside: signals, its death, log rotation, certificates."""

import asyncio
import json
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import psutil
import pytest
import trustme

from strangler.config.model import Tls
from strangler.proxy.supervisor import Settings, Supervisor

SCRIPT = Path(__file__).with_name("gateway_process.py")


class Running:
    """A gateway process and what it said when it came up."""

    def __init__(self, process: asyncio.subprocess.Process, said: dict) -> None:
        self.process = process
        self.url = f"http://{said['address']}"
        self.workers = [psutil.Process(pid) for pid in said["pids"]]

    async def workers_gone(self) -> None:
        while any(w.is_running() and w.status() != psutil.STATUS_ZOMBIE for w in self.workers):
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(port: int, *arguments: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), str(port), *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Running(process, json.loads(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()  # its output ends when the workers have ended too


async def test_workers_end_when_their_supervisor_is_killed(legacy) -> None:
    async with running(legacy.port) as gateway:
        gateway.process.kill()
        await gateway.workers_gone()


async def test_a_request_in_flight_survives_the_supervisors_death(legacy, client) -> None:
    async with running(legacy.port) as gateway, asyncio.TaskGroup() as group:
        answer = group.create_task(client.post(f"{gateway.url}/slow", data=b"precious"))
        await legacy.asked(1)
        gateway.process.kill()
        while gateway.process.returncode is None:  # `wait` would wait for the workers' output too
            await asyncio.sleep(0.01)
        legacy.go.set()
        assert await (await answer).read() == b"precious"
        await gateway.workers_gone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_first_signal_drains(legacy, client, number) -> None:
    async with running(legacy.port) as gateway, asyncio.TaskGroup() as group:
        answer = group.create_task(client.post(f"{gateway.url}/slow", data=b"precious"))
        await legacy.asked(1)
        gateway.process.send_signal(number)
        while True:  # new connections are refused as soon as nobody accepts any more
            try:
                async with aiohttp.ClientSession() as other, other.get(gateway.url) as late:
                    await late.read()
            except aiohttp.ClientError:
                break
        legacy.go.set()
        assert await (await answer).read() == b"precious"
        assert await gateway.process.wait() == 0
        await gateway.workers_gone()


async def test_a_signal_to_the_whole_terminal_drains_too(legacy, client) -> None:
    async with running(legacy.port) as gateway, asyncio.TaskGroup() as group:
        answer = group.create_task(client.post(f"{gateway.url}/slow", data=b"precious"))
        await legacy.asked(1)
        for worker in gateway.workers:
            worker.send_signal(signal.SIGINT)
            worker.send_signal(signal.SIGHUP)
        gateway.process.send_signal(signal.SIGINT)
        legacy.go.set()
        assert await (await answer).read() == b"precious"
        assert await gateway.process.wait() == 0


async def test_the_second_signal_ends_at_once(legacy, client) -> None:
    async def cut(url: str) -> None:
        with pytest.raises(aiohttp.ClientError):
            await client.post(url)

    async with running(legacy.port) as gateway, asyncio.TaskGroup() as group:
        group.create_task(cut(f"{gateway.url}/slow"))
        await legacy.asked(1)
        gateway.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        assert gateway.process.returncode is None
        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.process.wait() == 0


async def test_hang_up_reloads(legacy) -> None:
    async with running(legacy.port) as gateway:
        gateway.process.send_signal(signal.SIGHUP)
        assert await gateway.process.stdout.readline() == b"reload\n"
        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.process.wait() == 0


async def test_all_workers_are_replaced_and_no_request_notices(legacy, client) -> None:
    async with running(legacy.port) as gateway:
        gateway.process.send_signal(signal.SIGUSR2)
        supervisor = psutil.Process(gateway.process.pid)
        while any(each.is_running() for each in gateway.workers):
            async with client.get(f"{gateway.url}/x") as answer:
                assert answer.status == 200
        assert len(supervisor.children()) == 2
        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.process.wait() == 0


async def test_logs_are_reopened_after_a_rotation(legacy, client, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    async with running(legacy.port, str(path)) as gateway:
        while not path.exists() or len(path.read_text().splitlines()) < 1:
            (await client.get(f"{gateway.url}/before")).release()
            await asyncio.sleep(0.15)
        path.rename(tmp_path / "access.log.1")
        gateway.process.send_signal(signal.SIGUSR1)
        while not path.exists() or "/after" not in path.read_text():
            (await client.get(f"{gateway.url}/after?token=hush")).release()
            await asyncio.sleep(0.05)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert lines[-1]["target"] == "/after?"
        assert lines[-1]["upstream"] == "legacy"
        assert "hush" not in path.read_text()
        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.process.wait() == 0


async def test_a_new_certificate_is_served_without_a_restart(legacy, tmp_path: Path) -> None:
    authority = trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    tls = Tls(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))

    def issue() -> None:
        leaf = authority.issue_cert("127.0.0.1")
        (tmp_path / "cert.pem").write_bytes(b"".join(b.bytes() for b in leaf.cert_chain_pems))
        (tmp_path / "key.pem").write_bytes(leaf.private_key_pem.bytes())

    async def shown(supervisor: Supervisor) -> str:
        host, _, port = supervisor.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port), ssl=trust)
        certificate = writer.get_extra_info("peercert")
        writer.write(b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await writer.wait_closed()
        return certificate["serialNumber"]

    issue()
    table = legacy.table()
    table = replace(table, gateway=replace(table.gateway, tls=tls))
    async with Supervisor(Settings("127.0.0.1:0", 2, b"k" * 32)) as supervisor:
        await supervisor.start(table)
        pids = [process.pid for process in supervisor.processes]
        first = await shown(supervisor)
        issue()
        while (new := await shown(supervisor)) == first:
            await asyncio.sleep(0.05)
        (tmp_path / "key.pem").write_bytes(b"nonsense")  # refused, the pair before stays
        await supervisor._watch.look()
        assert await shown(supervisor) == new
        supervisor.processes[0].kill()  # and a new worker still gets it
        while [process.listening for process in supervisor.processes] != [True, True]:
            await asyncio.sleep(0.01)
        for _ in range(6):
            assert await shown(supervisor) == new
        assert pids[1] in {process.pid for process in supervisor.processes}
