"""When a number that is too high is worth a line in the log: at once, then once in a while."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Crossing(Enum):
    """What to say of a number."""

    ABOVE = "above"
    BELOW = "below"
    """It is in order again, after it was said to be too high."""


@dataclass(slots=True)
class Threshold:
    """One limit; the time is the caller's, in seconds."""

    limit: float
    every: float = 60.0
    """Seconds between two lines while the number stays too high."""
    _said: float | None = None

    def judge(self, value: float, now: float) -> Crossing | None:
        """What to say now; None for nothing."""
        if value < self.limit:
            told, self._said = self._said is not None, None
            return Crossing.BELOW if told else None
        if self._said is not None and now - self._said < self.every:
            return None
        self._said = now
        return Crossing.ABOVE
