"""All parts of a demo: started in the order that they need, stopped in the reverse."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from strangler.demo import postgres, process
from strangler.demo.account import Account, account
from strangler.demo.failure import DemoError
from strangler.demo.folder import Done, Folder
from strangler.demo.ports import HOST, Ports
from strangler.demo.postgres import Postgres
from strangler.demo.process import Program, Running
from strangler.demo.programs import SERVICES, Programs
from strangler.demo.revive import MOST, WITHIN, Tries

Told = Callable[[str], None]
"""Told, in a sentence, of a part that died and is started again."""
Progress = Callable[[str, float], None]
"""Told of each step when it is done, with the seconds that it took."""
_PROBE_TIMEOUT = aiohttp.ClientTimeout(total=2.0)


@dataclass
class Part:
    """A program that runs."""

    name: str
    running: Running
    again: Program | None
    """What to start when it dies; None for one whose death takes data with it, or connections."""


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
        self._parts: list[Part] = []
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

    async def failed(self, revived: Told | None = None) -> DemoError:
        """Wait until a part ends by itself; which, and why that is a failure.

        With `revived` a part that can be is started again, unless it dies over and over.
        """
        watches = [asyncio.ensure_future(self._keep(each, revived)) for each in self._parts]
        try:
            done, _ = await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.wait(watches)  # one may be about to start a part again

    async def _keep(self, part: Part, revived: Told | None) -> DemoError:
        tries = Tries()
        while True:
            died = await part.running.ended()
            if part.again is None or revived is None:
                return died
            pause = tries.died(time.monotonic())
            if pause is None:
                return died.repeated(MOST + 1, WITHIN)
            await asyncio.sleep(pause)
            await self._start_again(part, part.again)
            revived(f"{died.what} It was started again.")

    async def _start_again(self, part: Part, program: Program) -> None:
        part.running.kill()  # what is left of its group may hold its port
        starting = asyncio.ensure_future(process.start(program, again=True))
        try:
            await asyncio.shield(starting)
        finally:  # also where the demo is told to stop in this moment
            part.running = await starting
            self.pids[part.name] = part.running.pid

    async def stop(self) -> None:
        """Stop what runs: the gateway first, so that nothing in flight loses its upstream."""
        while self._parts:
            part = self._parts[-1]
            await part.running.stop()
            self._parts.remove(part)
        self._remove_sockets()

    def kill(self) -> None:
        """End everything at once."""
        for part in reversed(self._parts):
            part.running.kill()

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
        for part, make in (("relay", self._programs.relay), ("applier", self._programs.applier)):
            running = await process.start(make(service, anew=anew))
            # The broker has everything then: whoever dies goes on where it was.
            self._started(f"{part}-{service}", running, make(service, anew=False))
        serving = self._serve(service, self._programs.service(service), service, "/readyz")
        await self._step(f"The {service} service and its copy of the data", serving)
        self._remember(service)

    async def _serve(self, part: str, program: Program, port: str, path: str) -> None:
        running = await process.start(program)
        self._started(part, running, program)
        url = f"http://{HOST}:{getattr(self.ports, port)}{path}"
        await running.ready(lambda: self._answers(url))

    def _started(self, part: str, running: Running, again: Program | None = None) -> None:
        self._parts.append(Part(part, running, again))
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
