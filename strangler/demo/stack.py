"""All parts of a demo: started in the order that they need, stopped in the reverse."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp

from strangler.demo import postgres, process
from strangler.demo.account import Account, account
from strangler.demo.failure import DemoError
from strangler.demo.folder import Done, Folder
from strangler.demo.ports import HOST, Ports
from strangler.demo.postgres import Postgres
from strangler.demo.process import Program, Running
from strangler.demo.programs import SERVICES, Programs

Progress = Callable[[str, float], None]
"""Told of each step when it is done, with the seconds that it took."""
_PROBE_TIMEOUT = aiohttp.ClientTimeout(total=2.0)


class Stack:
    """The parts that run; `stop` may be called at any moment, also in the middle of `start`."""

    def __init__(
        self, folder: Folder, ports: Ports, done: Done, progress: Progress,
        kafka: str | None = None,
    ) -> None:  # fmt: skip
        self._kafka = kafka
        self.ports = ports
        self.pids: dict[str, int] = {}
        """The process of each part, by its name."""
        self.goes_on = folder.has_table()
        """Whether an earlier run left a table, which is served again."""
        self.gateway_log = folder.gateway_log
        self._folder = folder
        self._done = done
        self._progress = progress
        self._running: list[Running] = []
        """In the order of their start."""

    async def start(self) -> None:
        """Start everything; raises `DemoError` for the part that could not."""
        try:
            async with aiohttp.ClientSession(timeout=_PROBE_TIMEOUT) as self._probe:
                await self._start()
        except* DemoError as group:
            raise _first(group) from None

    async def live_version(self) -> int:
        """The number of the live table version, from the gateway that has just become ready."""
        url = f"http://{HOST}:{self.ports.admin}/api/status"
        async with (
            aiohttp.ClientSession(timeout=_PROBE_TIMEOUT) as session,
            session.get(url, raise_for_status=True) as answer,
        ):
            return int((await answer.json())["live"]["number"])

    async def failed(self) -> DemoError:
        """Wait until a part ends by itself; which, and why that is a failure."""
        watches = [asyncio.ensure_future(each.ended()) for each in self._running]
        try:
            done, _ = await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for watch in watches:
                watch.cancel()

    async def stop(self) -> None:
        """Stop what runs: the gateway first, so that nothing in flight loses its upstream."""
        while self._running:
            running = self._running[-1]
            await running.stop()
            self._running.remove(running)
        self._remove_sockets()

    def kill(self) -> None:
        """End everything at once."""
        for running in reversed(self._running):
            running.kill()

    async def _start(self) -> None:
        self._account = account(self._folder.path)
        self._sockets = postgres.sockets_of(self._account)
        self._programs = Programs(
            self._folder, self.ports, self._sockets, self._done.secret, self._kafka
        )
        self._folder.keep_environment(self._programs.environment())
        await self._step("PostgreSQL", self._postgres())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._legacy())
            group.create_task(self._step("Kafka", self._broker()))
        async with asyncio.TaskGroup() as group:
            for service in SERVICES:
                group.create_task(self._service(service))
        await self._step(
            "The gateway", self._serve("gateway", self._programs.gateway(), "admin", "/readyz")
        )

    async def _postgres(self) -> None:
        server = Postgres(self._account, self._folder.logs)
        await server.initialise()
        running = await server.start(self._sockets)
        self._started("postgres", running)
        await running.ready(lambda: postgres.answers(self._sockets))
        await postgres.create_databases(self._sockets, "legacy", *SERVICES)

    async def _legacy(self) -> None:
        await self._step("The shop's tables", process.complete(self._programs.migrate()))
        if "legacy" not in self._done.filled:
            await self._step("The shop's made-up data", process.complete(self._programs.seed()))
            self._remember("legacy")
        serving = self._serve("legacy", self._programs.legacy(), "legacy", "/healthz")
        await self._step("The shop (the monolith)", serving)

    async def _broker(self) -> None:
        if self._programs.own_broker:
            running = await process.start(self._programs.broker())
            self._started("kafka", running)
            await running.ready(lambda: _listens(self.ports.kafka))

    async def _service(self, service: str) -> None:
        """A service whose database is fed by change data capture: ready when its copy is there."""
        await process.complete(self._programs.schema(service))
        await process.complete(self._programs.prepare(service))
        anew = self._programs.forgetful and service in self._done.filled
        for part, program in (
            (f"relay-{service}", self._programs.relay(service, anew=anew)),
            (f"applier-{service}", self._programs.applier(service, anew=anew)),
        ):
            self._started(part, await process.start(program))
        serving = self._serve(service, self._programs.service(service), service, "/readyz")
        await self._step(f"The {service} service and its copy of the data", serving)
        self._remember(service)

    async def _serve(self, part: str, program: Program, port: str, path: str) -> None:
        running = await process.start(program)
        self._started(part, running)
        url = f"http://{HOST}:{getattr(self.ports, port)}{path}"
        await running.ready(lambda: self._answers(url))

    def _started(self, part: str, running: Running) -> None:
        self._running.append(running)
        self.pids[part] = running.pid

    async def _answers(self, url: str) -> bool:
        try:
            async with self._probe.get(url) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _step(self, name: str, work: Awaitable[None]) -> None:
        began = time.monotonic()
        await work
        self._progress(name, time.monotonic() - began)

    def _remember(self, name: str) -> None:
        if name not in self._done.filled:
            self._done = self._folder.filled(self._done, name)

    def _remove_sockets(self) -> None:
        own: Account | None = getattr(self, "_account", None)
        if own and self._sockets != own.data:
            self._sockets.rmdir()


async def _listens(port: int) -> bool:
    """Whether something takes connections there."""
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def _first(group: BaseExceptionGroup[DemoError]) -> DemoError:
    """What failed first: the others were cancelled for it."""
    for error in group.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("a group has members")
