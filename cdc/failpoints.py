"""Named points at which a test ends the process as a crash would.

`STRANGLER_FAILPOINT=after_settle:3` kills it with SIGKILL when it gets there for the third time.
Without the variable a point is a call that compares with None, and no point lies on the path of a
single row.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

_VARIABLE = "STRANGLER_FAILPOINT"

_point: str | None = None
_left = 0


def arm(environment: Mapping[str, str]) -> None:
    """Take the point from the environment; done as this module is imported."""
    global _point, _left  # noqa: PLW0603 - one per process, as the signal that it sends
    given = environment.get(_VARIABLE, "")
    _point, _, times = given.partition(":") if given else (None, "", "")
    _left = int(times or 1)


def reach(point: str) -> None:
    """Die here, if this is the point and the time."""
    global _left  # noqa: PLW0603
    if point == _point:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ)
