"""Medians, quantiles and paired ratios: the arithmetic of the report, without I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """What several rounds showed of one quantity."""

    median: float
    low: float
    high: float
    rounds: int


def spread(values: Sequence[float]) -> Spread | None:
    """Median, minimum and maximum of the rounds; None if no round gave a value."""
    if not values:
        return None
    return Spread(median(values), min(values), max(values), len(values))


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two middle ones. Raises ValueError when empty."""
    if not values:
        raise ValueError("the median of nothing")
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of the values do not exceed."""
    if not values:
        raise ValueError("a quantile of nothing")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


LEAST_ROUNDS = 6
"""With fewer values not even the lowest and the highest enclose the median with 95 %."""


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """A 95 % interval of the median, whatever the distribution; None below `LEAST_ROUNDS` values.

    Each value is as likely above the true median as below it, so how many are below is binomial:
    between the k-th lowest and the k-th highest lies the median, but for twice the chance that
    fewer than k are below. (Conover, Practical Nonparametric Statistics, section 3.2; Wikipedia,
    "Median", confidence intervals by order statistics.)
    """
    rank = _rank(len(values))
    if not rank:
        return None
    ordered = sorted(values)
    return ordered[rank - 1], ordered[-rank]


def _rank(count: int) -> int:
    """The highest k for which the chance outside of both k-th values is at most 5 %; 0 if none."""
    rank, outside = 0, 1  # of 2 ** count: that no value is below
    while 2 * outside <= 0.05 * 2**count:
        rank += 1
        outside += math.comb(count, rank)
    return rank


def ratios(ours: Mapping[int, float], theirs: Mapping[int, float]) -> list[float]:
    """Ours over theirs in each round that has both; the keys are round numbers."""
    return [ours[n] / theirs[n] for n in sorted(ours) if theirs.get(n)]


def differences(ours: Mapping[int, float], theirs: Mapping[int, float]) -> list[float]:
    """Ours minus theirs in each round that has both; the keys are round numbers."""
    return [ours[n] - theirs[n] for n in sorted(ours) if n in theirs]
