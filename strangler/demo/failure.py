"""What can go wrong with the demo, told so that a person knows what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

TAIL_LINES = 15
_TAIL_BYTES = 16_384


@dataclass(frozen=True)
class DemoError(Exception):
    """A part that could not do its work."""

    what: str
    """A sentence that names the part."""
    advice: str
    """What to do about it, as a sentence."""
    log: Path | None = None
    """The file with the part's own words."""
    tail: tuple[str, ...] = field(default=())
    """Its last lines."""

    def __str__(self) -> str:
        return self.what


def tail(path: Path, lines: int = TAIL_LINES) -> tuple[str, ...]:
    """The last lines of a log; none if there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ()
    return tuple(text.splitlines()[-lines:])
