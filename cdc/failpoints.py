"""Named points at which a test ends the process as a crash would.

`STRANGLER_FAILPOINT=after_settle:3` kills it with SIGKILL when it gets there for the third time.
Without the variable a point is a call of an empty function, and no point lies on the path of a
single row.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

_VARIABLE = "STRANGLER_FAILPOINT"


def _pass(_point: str) -> None:
    """What a point does in every process that is not under test."""


def _armed(given: str) -> Callable[[str], None]:
    name, _, times = given.partition(":")
    left = int(times or 1)

    def reach(point: str) -> None:
        nonlocal left
        if point == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return reach


reach: Callable[[str], None] = _armed(given) if (given := os.environ.get(_VARIABLE)) else _pass
