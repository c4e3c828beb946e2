"""What two commits' figures amount to: slower, within 2 %, or too wide to tell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench import stats

MOST = 1.02
"""What "within 2 %" allows."""


class Verdict(StrEnum):
    """How a case came out."""

    SLOWER = "slower"
    WITHIN = "within 2 %"
    OPEN = "too wide to tell"
    """Not shown to be slower, and not shown to be within 2 % either."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A case, both sides."""

    case: str
    base_us: float
    this_us: float
    """Medians of the CPU time of one request, change or row."""
    ratios: Sequence[float]
    """This over base, one for each round."""
    instructions: tuple[float, float] | None
    """Of one request, base's and this one's; None where they are not counted."""

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return stats.median(self.ratios)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the median lies with 95 %; None after too few rounds."""
        return stats.interval(self.ratios)

    @property
    def count_ratio(self) -> float | None:
        """Instructions, this over base."""
        return self.instructions[1] / self.instructions[0] if self.instructions else None

    @property
    def verdict(self) -> Verdict:
        """Slower by either measure; within by the count where there is one, as it is exact."""
        low, _ = self.interval or (0.0, 0.0)
        if low > MOST or (self.count_ratio or 0.0) > MOST:
            return Verdict.SLOWER
        return Verdict.OPEN if self.is_wide and self.count_ratio is None else Verdict.WITHIN

    @property
    def is_wide(self) -> bool:
        """Whether CPU time alone leaves open that it is more than 2 %."""
        return self.interval is None or self.interval[1] > MOST


def sentence(found: Sequence[Compared], against: str) -> str:
    """All of it for whoever reads one line."""
    if slower := _named(found, Verdict.SLOWER):
        return f"Slower than {against}: {slower}."
    if unclear := _named(found, Verdict.OPEN):
        return (
            f"Not called slower than {against}, but not shown to be within 2 %: {unclear}."
            f" More rounds narrow the interval, which takes {stats.LEAST_ROUNDS} at least."
        )
    if not found:
        return "Nothing was measured."
    wide = ", ".join(each.case for each in found if each.is_wide)
    by_count = f" By count; CPU time alone is too wide to tell: {wide}." if wide else ""
    return f"Not slower than {against}: within 2 %.{by_count}"


def _named(found: Sequence[Compared], verdict: Verdict) -> str:
    return ", ".join(each.case for each in found if each.verdict is verdict)
