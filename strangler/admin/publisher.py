"""From the store to the workers: every table version that is committed anywhere goes live here.

One loop looks for a newer version and publishes it; it is woken at once by a change made through
this gateway. A version that this gateway cannot use (a variable is not set here, say) changes
nothing, and is logged, counted and shown.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from strangler.admin.failures import Failure
from strangler.admin.judge import Edit
from strangler.admin.operations import CheckText, Operations, Who
from strangler.admin.status import Refusal
from strangler.admin.working_copy import Saved
from strangler.config.model import Gateway, Table
from strangler.kit.problems import ConfigError
from strangler.rollout import restart
from strangler.rollout.document import version_of
from strangler.rollout.versions import Source, StoreError, TableVersion, VersionStore

log = structlog.get_logger()


class Refusals:
    """The last refused table, for status, and how many there were, for the metrics."""

    def __init__(self) -> None:
        self.count = 0
        self.last: Refusal | None = None

    def add(self, version: int, problems: tuple[str, ...]) -> None:
        """A table was refused; the one before stays live."""
        self.count += 1
        self.last = Refusal(time.time(), version, problems, self.count)
        log.warning("reload_refused", version=version, problems=problems)

    def clear(self) -> None:
        """A table was taken: nothing is waiting to be mended any more."""
        self.last = None


class Publisher:
    """Publishes the newest version of a store."""

    def __init__(
        self,
        store: VersionStore,
        check: CheckText,
        publish: Callable[[Table], Awaitable[tuple[str, ...]]],
        refusals: Refusals,
        *,
        every: float,
    ) -> None:
        """`publish` hands a table to the workers and returns why some did not take it."""
        self._store = store
        self._check = check
        self._publish = publish
        self._refusals = refusals
        self._every = every
        self._wake = asyncio.Event()
        self._seen = 0
        self._gateway = Gateway()
        self._behind: int | None = None

    def started_with(self, table: Table, number: int) -> None:
        """That version is served already."""
        self._seen, self._gateway = number, table.gateway

    def look(self) -> None:
        """Look now rather than with the next turn."""
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled. A store that cannot be reached is asked again."""
        while True:
            try:
                await self._turn()
            except StoreError as error:
                log.warning("store_unreachable", error=str(error))
            self._wake.clear()
            try:
                async with asyncio.timeout(self._every):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _turn(self) -> None:
        number = await asyncio.to_thread(self._store.number)
        if number < self._seen:
            self._tell_behind(number)
        if number <= self._seen:
            return
        version = await asyncio.to_thread(self._store.newest)
        assert version is not None
        self._seen = version.number
        try:
            table = await asyncio.to_thread(compiled, version, self._check)
        except ConfigError as error:
            problems = tuple(problem.at(error.file) for problem in error.problems)
            self._refusals.add(version.number, problems)
            return
        failures = await self._publish(table)
        if failures:
            self._refusals.add(version.number, failures)
        else:
            self._refusals.clear()
            for setting in restart.changed(self._gateway, table.gateway):
                log.warning("restart_needed", setting=setting, version=version.number)
            self._gateway = table.gateway
            log.info("version_live", version=version.number, author=version.author,
                     source=str(version.source), reason=version.reason)  # fmt: skip

    def _tell_behind(self, number: int) -> None:
        """Versions only grow, so this store is not the one that was served from."""
        if self._behind != number:
            self._behind = number
            problem = f"the store ends at version {number}, but {self._seen} is served: was it "
            problem += "replaced? A restart serves what the store says now"
            self._refusals.add(number, (problem,))


def compiled(version: TableVersion, check: CheckText) -> Table:
    """The table of a version, with its fences; raises ConfigError."""
    checked = check(version.text)
    if checked.table is None:
        raise ConfigError(f"version {version.number}", checked.errors)
    return replace(checked.table, fences=version.fences)


async def take_file(operations: Operations, saved: Saved, refusals: Refusals) -> bool:
    """Make a saved file live, as its owner's change; whether it was taken."""
    try:
        done = await asyncio.to_thread(
            operations.apply,
            saved.text,
            Who(saved.author, "saved in the file"),
            saved=Edit(saved.author, saved.at),
            source=Source.FILE,
        )
    except Failure as failure:
        refusals.add(version_of(saved.text) or 0, (*failure.problems, failure.message))
        return False
    refusals.clear()
    if done.version != done.previous:
        log.info("file_taken", version=done.version, author=saved.author)
    return True
