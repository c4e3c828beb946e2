"""How long to wait before a dead worker is started again. Pure."""

from __future__ import annotations

from typing import Final

SETTLED: Final = 5.0
"""Seconds after which a worker counts as having worked."""
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 10.0


class RestartBackoff:
    """None for the first death, then longer pauses as long as workers die young."""

    def __init__(self) -> None:
        self._deaths = 0

    def after(self, lived: float, draw: float) -> float:
        """Seconds to wait after a worker that lived so long; `draw` in [0, 1) spreads slots."""
        self._deaths = 0 if lived >= SETTLED else self._deaths + 1
        if self._deaths <= 1:
            return 0.0
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._deaths - 2, 16))
        return pause * (0.5 + draw / 2)
