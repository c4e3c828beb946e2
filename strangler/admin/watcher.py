"""A saved routes.yaml goes live by itself on a host of its own.

Editors save in different ways: in place, through a new file and a rename, with several writes. So
the folder is watched rather than the file, and a content counts only when it was read twice,
100 ms apart, without a difference: a half-saved file never goes live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from watchfiles import awatch

from strangler.admin.working_copy import Saved, WorkingCopy

STABLE_SECONDS: Final = 0.1
"""Between the two readings."""
_DEBOUNCE_MS: Final = 100
_STEP_MS: Final = 25

log = structlog.get_logger()


class FileWatcher:
    """Hands every new content of a file to `take`."""

    def __init__(self, file: WorkingCopy, take: Callable[[Saved], Awaitable[None]]) -> None:
        self._file = file
        self._take = take
        self._taken: str | None = None
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Watch until cancelled."""
        folder = self._file.path.resolve().parent
        # A file saved between the first load and the start of the watch is not missed.
        await self.look()
        async for _ in awatch(folder, recursive=False, debounce=_DEBOUNCE_MS, step=_STEP_MS):
            await self.look()

    async def look(self, *, again: bool = False) -> None:
        """Read the file and hand it on if it is new; `again` hands on what was seen before, too."""
        async with self._one_at_a_time:
            saved = await self._stable()
            if saved is None or (saved.text == self._taken and not again):
                return
            self._taken = saved.text
            await self._take(saved)

    def seen(self, saved: Saved) -> None:
        """That content is known already: the first load took it."""
        self._taken = saved.text

    async def _stable(self) -> Saved | None:
        """The content once two readings agree; None where there is no file that can be read."""
        before = await self._read()
        while before is not None:
            await asyncio.sleep(STABLE_SECONDS)
            after = await self._read()
            if after == before:
                return after
            before = after
        return None

    async def _read(self) -> Saved | None:
        try:
            return await asyncio.to_thread(self._file.read)
        except (OSError, ValueError) as error:
            log.warning("reload_refused", file=str(self._file.path), problems=[str(error)])
            return None
