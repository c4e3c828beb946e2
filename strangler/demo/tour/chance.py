"""How far a share may be off by chance alone."""

from __future__ import annotations

import math
from collections.abc import Collection

DOUBT = 1e-6
"""How likely a right gateway may be found wrong, per share that is judged."""


def farthest(weights: Collection[int], share: float) -> float:
    """The largest plausible distance of the weight on one side from `share` of the whole.

    Each weight (a user's requests, or 1) goes there as a whole, independently, with probability
    `share`. By Bernstein's inequality, which holds for few users and small shares too; 0 for a
    share of 0 or 1, where chance has no part.
    """
    variance = share * (1 - share) * sum(weight * weight for weight in weights)
    if not variance:
        return 0.0
    surprise = math.log(2 / DOUBT)
    third = max(weights) * surprise / 3
    return third + math.sqrt(third * third + 2 * surprise * variance)
