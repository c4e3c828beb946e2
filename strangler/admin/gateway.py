"""A running gateway's control plane: what happens between a saved file and a worker's table.

The parts are given to it; `strangler.bootstrap` makes them. It starts with a table, keeps the
store's newest one published and the replica registered, and ends when it is told to.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from strangler.admin.failures import Failure, Kind
from strangler.admin.first_load import Start
from strangler.admin.operations import Operations
from strangler.admin.publisher import Publisher, Refusals, take_file
from strangler.admin.watcher import FileWatcher
from strangler.admin.working_copy import Saved, WorkingCopy
from strangler.config.model import Table
from strangler.rollout.versions import Replica, StoreError, VersionStore

LEASE_SECONDS = 15.0
LEAVE_SECONDS = 2.0
"""How long a stop waits for the store before the workers drain."""
RETRY_SECONDS = 1.0

log = structlog.get_logger()


class Workers(Protocol):
    """What is needed of the supervisor."""

    async def start(self, table: Table) -> None:
        """Start serving."""
        ...

    async def publish(self, table: Table) -> tuple[str, ...]:
        """Hand a table to the workers; why some did not take it."""
        ...

    def served(self) -> tuple[int, ...]:
        """The table version of each worker."""
        ...


class Membership:
    """A replica's entry in the store."""

    def __init__(self, store: VersionStore) -> None:
        self.served: Callable[[], tuple[int, ...]] = tuple
        """What the workers serve; nothing until they are there to be asked."""
        self._store = store
        self._id = uuid.uuid4().hex
        self._turn = threading.Lock()
        self._left = False

    async def renew(self) -> None:
        """Say that this replica lives and what it serves; raises StoreError if that fails.

        Also raised once it has left: an entry that is made again would outlive the process, and
        whoever waits for all replicas would wait for one that has gone.
        """
        replica = Replica(self._id, socket.gethostname(), os.getpid(), self.served())
        await asyncio.to_thread(self._register, replica)

    async def report(self) -> None:
        """Tell at once what is served now; if that cannot be, the next renewal will."""
        try:
            await self.renew()
        except StoreError as error:
            log.warning("versions_not_reported", error=str(error))

    async def leave(self) -> None:
        """The replica stops; a renewal that is on its way comes first."""
        await asyncio.to_thread(self._remove)

    def _register(self, replica: Replica) -> None:
        with self._turn:
            if self._left:
                raise StoreError("this replica has left the store: it drains and ends")
            self._store.register(replica, LEASE_SECONDS)

    def _remove(self) -> None:
        with self._turn:
            self._left = True
            self._store.leave(self._id)


@dataclass(frozen=True, slots=True)
class Gateway:
    """The control plane of one replica."""

    workers: Workers
    publisher: Publisher
    membership: Membership
    watcher: FileWatcher | None
    """None where the store is shared."""

    async def start(self, first: Start, saved: Saved | None) -> None:
        """Serve the first table."""
        self.publisher.started_with(first.table, first.number)
        if self.watcher and saved:
            self.watcher.seen(saved)
        await self.workers.start(first.table)
        await self.membership.report()

    async def run(self, stop: asyncio.Event, reload: asyncio.Event) -> None:
        """Follow file and store until `stop`; `reload` asks for a look at both.

        The replica leaves the store before its workers drain: they take no new version any more.
        """
        async with asyncio.TaskGroup() as tasks:
            parts = [self.publisher.run, lambda: self._reload_when_asked(reload)]
            if self.watcher:
                parts.append(self.watcher.run)
            running = [tasks.create_task(_kept_up(part)) for part in parts]
            await stop.wait()
            for task in running:
                task.cancel()
        await self._leave()

    async def _leave(self) -> None:
        """Tell the store; if that cannot be, the lease will run out by itself."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self.membership.leave()
        except (StoreError, TimeoutError) as error:
            log.warning("replica_not_removed", error=str(error) or "no answer from the store")

    async def _reload_when_asked(self, reload: asyncio.Event) -> None:
        while True:
            await reload.wait()
            reload.clear()
            log.info("reload_asked")
            if self.watcher:
                await self.watcher.look(again=True)
            self.publisher.look()


async def _kept_up(part: Callable[[], Awaitable[None]]) -> None:
    """Run a part of the control plane over and over: no fault in it may end the data plane."""
    while True:
        try:
            await part()
        except Exception:
            log.exception("control_plane_fault", retry_in=RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)


def publish_and_report(
    workers: Workers, membership: Membership
) -> Callable[[Table], Awaitable[tuple[str, ...]]]:
    """Publish a table and tell the store at once what is served now: commands wait for it."""

    async def publish(table: Table) -> tuple[str, ...]:
        failures = await workers.publish(table)
        await membership.report()
        return failures

    return publish


def file_watcher(
    file: WorkingCopy, operations: Operations, refusals: Refusals, publisher: Publisher
) -> FileWatcher:
    """A watcher that makes what is saved live."""

    async def take(saved: Saved) -> None:
        if await take_file(operations, saved, refusals):
            publisher.look()

    return FileWatcher(file, take, lambda problem: refusals.add(0, (problem,)))


def readable(file: WorkingCopy) -> Saved | None:
    """The file at the start, None where there is none; raises `Failure` if it cannot be read."""
    try:
        return file.read()
    except (OSError, ValueError) as error:
        raise Failure(Kind.INVALID, f"{file.path} cannot be read: {error}") from error
