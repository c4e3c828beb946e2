"""How long a fenced producer rests between two transactions. Pure.

Until the broker has written a transaction's commit markers it refuses the next one, and the library
asks again only after 20 ms, with whatever came meanwhile behind it. How long the broker needs is
its machine's and its load's business, so the rest grows where commits of a few records take as long
as a refusal, and shrinks again while they do not.
"""

from __future__ import annotations

from typing import Final

LEAST: Final = 0.003
MOST: Final = 0.012
"""Seconds. More would cost each record as much as a refusal costs some of them."""
_REFUSED: Final = 0.02
"""Seconds after which the library asks again: a commit of a few records that takes longer has
waited for that, as a rule."""
_LONGER, _SHORTER = 1.5, 0.98
FEW: Final = 500
"""Records that take no time worth mentioning to be sent."""


def next_pause(pause: float, took: float, records: int) -> float:
    """Seconds to rest, after a commit that took so long and waited for so many records."""
    if records > FEW:
        return pause  # it may have taken that long to send them
    if took >= _REFUSED:
        return min(MOST, pause * _LONGER)
    return max(LEAST, pause * _SHORTER)
