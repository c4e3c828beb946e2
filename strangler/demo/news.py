"""What the gateway makes of a saved routes.yaml, read from its log while the demo runs.

Whoever edits the file looks at the terminal of the demo, not into a log. The events are those that
an operator's log has too, so nothing is asked of the gateway for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

_PAUSE = 0.2
"""Seconds between two looks at the log."""


@dataclass(frozen=True)
class Refused:
    """A table that did not go live; the one before stays."""

    problems: tuple[str, ...]


@dataclass(frozen=True)
class Live:
    """A table version that went live."""

    version: int
    author: str
    reason: str


class Teller(Protocol):
    """Where people read of it."""

    def refused(self, news: Refused) -> None:
        """Tell why a table did not go live."""
        ...

    def live(self, news: Live) -> None:
        """Tell that a table version went live."""
        ...


async def follow(log: Path, teller: Teller) -> None:
    """Tell what the log says, from its first line on, until cancelled."""
    reader = LogReader(log)
    while True:
        for line in reader.lines():
            tell(line, teller)
        await asyncio.sleep(_PAUSE)


def tell(line: str, teller: Teller) -> None:
    """Tell a line's news, if it is any."""
    match news(line):
        case Refused() as refused:
            teller.refused(refused)
        case Live() as live:
            teller.live(live)


def news(line: str) -> Refused | Live | None:
    """What a line of the log says about a table; None for every other line."""
    try:
        event: Any = json.loads(line)
    except ValueError:  # a traceback of a defect, say
        return None
    match event:
        case {"event": "reload_refused", "problems": list(problems)}:
            return Refused(tuple(map(str, problems)))
        case {"event": "version_live", "version": int(number)}:
            return Live(number, str(event.get("author", "")), str(event.get("reason", "")))
    return None


class LogReader:
    """The lines that were added to a file since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def lines(self) -> Iterator[str]:
        """Whole lines only; one that is being written is left for the next look."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._read += len(whole)
        yield from whole.decode("utf-8", "replace").splitlines()
