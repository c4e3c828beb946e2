"""One worker slot: a listening socket, and always a worker process that accepts from it."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from strangler.proxy.backoff import RestartBackoff
from strangler.proxy.control import Message
from strangler.proxy.memory import SharedCells
from strangler.proxy.process import Inheritance, WorkerProcess
from strangler.proxy.pulse import Pulse

log = structlog.get_logger()

DRAIN_SLACK = 5.0
"""Seconds a worker may take beyond its drain before it is killed."""


class WorkerStartError(Exception):
    """A worker did not get as far as accepting connections; the text says why."""


@dataclass(frozen=True, slots=True)
class Crew:
    """What all slots share: how a worker is started and what it is told first."""

    command: Sequence[str]
    lease_fd: int
    take_pages: Callable[[], SharedCells]
    give_pages: Callable[[SharedCells], None]
    greeting: Callable[[int], list[Message]]
    """The first messages to a worker of a slot: Start and the newest table."""
    pulse: Pulse
    start_timeout: float
    """Seconds until a worker must accept connections."""


class Slot:
    """Starts, restarts, replaces and ends the workers of one slot."""

    def __init__(self, number: int, listener: socket.socket, crew: Crew) -> None:
        self.number = number
        self.restarts = 0
        """Deaths that nobody asked for."""
        self.processes: set[WorkerProcess] = set()
        """All that live: the current one, a successor that starts, predecessors that drain."""
        self._listener = listener
        self._crew = crew
        self._current: WorkerProcess | None = None
        self._stopping = False
        self._starting = asyncio.Lock()
        self._backoff = RestartBackoff()

    async def start(self) -> None:
        """Start the slot's worker and wait until it accepts. Raises WorkerStartError."""
        async with self._starting:
            if self._stopping or self._current is not None:
                return
            try:
                self._current = await self._launch()
            except WorkerStartError:
                if not self._stopping:  # else it was told to end, as we were
                    raise

    async def keep(self) -> None:
        """Start a new worker whenever the current one dies; returns after `stop`."""
        while not self._stopping:
            process = self._current
            if process is None:
                await self._try_start()
                continue
            code = await process.wait()
            if process is self._current:
                self._current = None
                await self._after_death(process, code)

    async def replace(self, drain: float) -> None:
        """Put a successor in place, then let the old worker drain. No connection is lost.

        Raises WorkerStartError if the successor does not come up; the old worker then stays.
        """
        async with self._starting:
            if self._stopping:
                return
            successor = await self._launch()
            old, self._current = self._current, successor
        if old is not None:
            old.drain(drain)
            await old.end(drain + DRAIN_SLACK)

    def leave(self) -> None:
        """A worker that ends from now on is missed by nobody: no successor is started."""
        self._stopping = True

    async def stop(self, drain: float) -> None:
        """End every worker: drained within `drain` seconds, killed beyond."""
        self._stopping = True
        self._listener.close()  # the workers' copies keep it open until they accept no more
        for process in self.processes:
            process.drain(drain)
        living = list(self.processes)
        await asyncio.gather(*(process.end(drain + DRAIN_SLACK) for process in living))

    def kill(self) -> None:
        """End every worker at once."""
        self._stopping = True
        for process in self.processes:
            process.kill()

    async def _launch(self) -> WorkerProcess:
        crew = self._crew
        try:
            process = await self._spawned(crew.take_pages())
        except OSError as error:
            raise WorkerStartError(f"worker {self.number} could not be started: {error}") from error
        self.processes.add(process)
        for message in crew.greeting(self.number):
            process.send(message)
        process.watch(lambda: self._ended(process))
        return await self._listening(process)

    async def _spawned(self, pages: SharedCells) -> WorkerProcess:
        """A new process that counts in `pages`; raises OSError and gives them back."""
        crew = self._crew
        inheritance = Inheritance(self._listener, pages, crew.lease_fd)
        try:
            return await WorkerProcess.spawn(
                crew.command, self.number, inheritance, crew.pulse.beat
            )
        except OSError:
            crew.give_pages(pages)
            raise

    async def _listening(self, process: WorkerProcess) -> WorkerProcess:
        await self._crew.pulse.until(
            lambda: process.listening or process.exit_code is not None, self._crew.start_timeout
        )
        if process.listening and process.exit_code is None:
            log.info("worker_started", slot=self.number, pid=process.pid, version=process.version)
            return process
        process.kill()
        code = await process.wait()
        reasons = list(process.refusals.values()) or [f"exit code {code}"]
        raise WorkerStartError(f"worker {self.number} did not come up: {reasons[-1]}")

    def _ended(self, process: WorkerProcess) -> None:
        self.processes.discard(process)
        self._crew.give_pages(process.pages)
        self._crew.pulse.beat()

    async def _try_start(self) -> None:
        began = time.monotonic()
        try:
            await self.start()
        except WorkerStartError as error:
            pause = self._backoff.after(time.monotonic() - began, random.random())
            log.error("worker_start_failed", slot=self.number, error=str(error), retry_in=pause)
            await self._pause(pause)

    async def _after_death(self, process: WorkerProcess, code: int) -> None:
        if self._stopping or process.draining:
            return
        self.restarts += 1
        pause = self._backoff.after(time.monotonic() - process.started, random.random())
        log.error(
            "worker_died", slot=self.number, pid=process.pid, exit_code=code, restart_in=pause
        )
        await self._pause(pause)

    async def _pause(self, seconds: float) -> None:
        await self._crew.pulse.until(lambda: self._stopping, seconds)
