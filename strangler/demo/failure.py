"""What can go wrong with the demo, told so that a person knows what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

TAIL_LINES = 15
_TAIL_BYTES = 16_384


class DemoError(Exception):
    """A part that could not do its work."""

    def __init__(
        self, what: str, advice: str, log: Path | None = None, lines: Sequence[str] = ()
    ) -> None:
        super().__init__(what)
        self.what = what
        """A sentence that names the part."""
        self.advice = advice
        """What to do about it, as a sentence."""
        self.log = log
        """The file with the part's own words."""
        self.lines = lines
        """The last of them."""

    def repeated(self, times: int, within: float) -> DemoError:
        """The same of a part that was started again and again in vain."""
        what = f"{self.what.removesuffix('.')}, {times} times within {within:.0f} s."
        return DemoError(what, self.advice, self.log, self.lines)


def tail(path: Path, lines: int = TAIL_LINES) -> tuple[str, ...]:
    """The last lines of a log; none if there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ()
    return tuple(text.splitlines()[-lines:])
