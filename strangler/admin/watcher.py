"""A saved routes.yaml goes live by itself on a host of its own.

Editors save in different ways: in place, through a new file and a rename, with several writes. So
folders are watched rather than the file, and a content counts only when it was read twice, 100 ms
apart, without a difference: a half-saved file never goes live. Where the path leads through links
(Kubernetes turns one to change a mounted ConfigMap), each link is watched too.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Final

import structlog
from watchfiles import Change, awatch

from strangler.admin.working_copy import Saved, WorkingCopy

STABLE_SECONDS: Final = 0.1
"""Between the two readings."""
_DEBOUNCE_MS: Final = 100
_STEP_MS: Final = 50
LOOK_ANYWAY: Final = 5.0
"""Seconds; the kernel tells nothing of a network's share, or of a folder that was replaced."""

log = structlog.get_logger()


class FileWatcher:
    """Hands every new content of a file to `take`, and to `refuse` why it cannot be read."""

    def __init__(
        self,
        file: WorkingCopy,
        take: Callable[[Saved], Awaitable[None]],
        refuse: Callable[[str], None],
    ) -> None:
        self._file = file
        self._take = take
        self._refuse = refuse
        self._taken: str | None = None
        self._trouble: str | None = None
        self._one_at_a_time = asyncio.Lock()

    async def run(self, look_anyway: float = LOOK_ANYWAY) -> None:
        """Watch until cancelled."""
        while True:
            places = watched(self._file.path)
            # A file saved between the first load and the start of the watch is not missed.
            await self.look()
            try:
                await self._watch(places, int(look_anyway * 1000))
            except OSError as error:  # the folder is gone
                log.warning("file_not_watched", file=str(self._file.path), error=str(error))
                await asyncio.sleep(look_anyway)

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

    async def _watch(self, places: frozenset[Path], timeout_ms: int) -> None:
        """Look at every change of the places; returns when the path leads elsewhere."""
        names = {str(place) for place in places}

        def ours(_change: Change, path: str) -> bool:
            return path in names  # whatever else is written beside the file is not our business

        folders = _identities(places)
        changes = awatch(
            *{place.parent for place in places},
            watch_filter=ours,
            recursive=False,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            rust_timeout=timeout_ms,
            yield_on_timeout=True,
        )
        async with aclosing(changes):
            async for _ in changes:
                if watched(self._file.path) != places or _identities(places) != folders:
                    return
                await self.look()

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
            saved = await asyncio.to_thread(self._file.read)
        except (OSError, ValueError) as error:
            if str(error) != self._trouble:
                self._refuse(f"{self._file.path} cannot be read: {error}")
            self._trouble, self._taken = str(error), None  # readable again is news
            return None
        self._trouble = None
        return saved


def watched(path: Path) -> frozenset[Path]:
    """The places whose change can change what `path` says: the file and each link on the way."""
    found: set[Path] = set()
    place = Path(os.path.abspath(path))  # noqa: PTH100 - without following links
    while True:
        parts = (place, *place.parents)
        link = next((part for part in parts if part not in found and part.is_symlink()), None)
        if link is None:
            return frozenset(found | {place})
        found.add(link)
        place = Path(os.path.normpath(link.parent / link.readlink() / place.relative_to(link)))


def _identities(places: frozenset[Path]) -> frozenset[tuple[int, int]]:
    """Which folders the places lie in: one that is replaced keeps its name. Raises OSError."""
    found = [place.parent.stat() for place in places]
    return frozenset((each.st_dev, each.st_ino) for each in found)
