"""How often a part that dies is started again: after growing pauses, and not for ever. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MOST: Final = 5
"""Starts after deaths; the next death within the time below is the demo's end."""
WITHIN: Final = 120.0
"""Seconds after which a death no longer counts: the part has lived since."""
_FIRST, _LONGEST = 0.5, 8.0


@dataclass
class Tries:
    """The deaths of one part."""

    _deaths: list[float] = field(default_factory=list)

    def died(self, now: float) -> float | None:
        """Note a death; seconds to wait before the next start, None where it died too often."""
        self._deaths = [*(at for at in self._deaths if now - at < WITHIN), now]
        if len(self._deaths) > MOST:
            return None
        return min(_FIRST * 2.0 ** (len(self._deaths) - 1), _LONGEST)
