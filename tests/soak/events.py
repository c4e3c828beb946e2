"""What happens to a gateway in a bad hour: one event after the other, at random."""

import asyncio
import os
import random
import re
import signal
import time
from dataclasses import dataclass, field

import psutil

from tests.e2e.gateway import STRANGLER, Gateway
from tests.soak.upstream import Endpoint

SETTLED_WITHIN = 60.0


@dataclass
class Killed:
    """A worker that was killed, with the client ports of the connections it held."""

    at: float
    ports: frozenset[int]


@dataclass
class Events:
    """Plays events; remembers whom they may have hurt."""

    gateway: Gateway
    endpoints: list[Endpoint]
    rng: random.Random
    killed: list[Killed] = field(default_factory=list)
    played: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # No split comes twice: one that was live before would take back a change, and be refused.
        self._shares = iter(self.rng.sample(range(1, 9_999), 5_000))

    async def play(self, seconds: float, *, restarts: bool) -> None:
        """Events for so long; without restarts the workers stay who they are."""
        kinds = [self.reload, self.canary, self.endpoint_leaves, self.endpoint_dies]
        kinds += [self.worker_leaves, self.worker_is_killed] if restarts else []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            kind = self.rng.choice(kinds)
            await kind()
            self.played.append(kind.__name__)
            await asyncio.sleep(self.rng.uniform(0.2, 1.5))

    def _share(self) -> str:
        return f"{next(self._shares) / 100:.2f}"

    async def reload(self) -> None:
        share = self._share()
        split = f"split: {{fresh: {share}, legacy: {100 - float(share):.2f}}}"
        version = self.gateway.save(lambda text: re.sub("split: {.*}", split, text))
        await self._until(lambda: self.gateway.serves(version))

    async def canary(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *STRANGLER, "canary", "api", self._share(), "--reason", "soak",
            cwd=self.gateway.folder, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | {"STRANGLER_ADMIN": f"127.0.0.1:{self.gateway.admin}"},
        )  # fmt: skip
        told, _ = await process.communicate()
        assert process.returncode == 0, told.decode()

    async def worker_leaves(self) -> None:
        worker = self.rng.choice(await asyncio.to_thread(self.gateway.workers))
        os.kill(worker, signal.SIGTERM)
        await self._replaced(worker)

    async def worker_is_killed(self) -> None:
        worker = self.rng.choice(await asyncio.to_thread(self.gateway.workers))
        process = psutil.Process(worker)
        process.suspend()  # what it has not accepted by then waits for its successor
        while process.status() != psutil.STATUS_STOPPED:
            await asyncio.sleep(0)
        self.killed.append(Killed(time.monotonic(), _clients_of(process)))
        process.kill()
        await self._replaced(worker)

    async def endpoint_leaves(self) -> None:
        endpoint = self.rng.choice(self.endpoints)
        await endpoint.leave()
        await asyncio.sleep(self.rng.random())
        await endpoint.start()

    async def endpoint_dies(self) -> None:
        endpoint = self.rng.choice(self.endpoints)
        endpoint.die()
        await asyncio.sleep(self.rng.random())
        await endpoint.start()

    async def _replaced(self, worker: int) -> None:
        def done() -> bool:
            workers = self.gateway.workers()
            return worker not in workers and len(workers) == 2

        await self._until(done)

    async def _until(self, condition) -> None:
        deadline = time.monotonic() + SETTLED_WITHIN
        while not await asyncio.to_thread(condition):
            assert self.gateway.process.poll() is None, self.gateway.log()
            assert time.monotonic() < deadline, self.gateway.log()
            await asyncio.sleep(0.1)


def _clients_of(worker: psutil.Process) -> frozenset[int]:
    return frozenset(each.raddr.port for each in worker.net_connections("tcp") if each.raddr)
