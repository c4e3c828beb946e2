"""Where a worker process starts: `python -m strangler.proxy.worker_main` with its descriptors.

Before anything else is imported, rich is declared missing: structlog loads it where it can, to draw
tracebacks for people, and with it come pygments and attrs. In a worker that would be 6 MB of
memory, times the number of cores, for something that only a terminal ever shows.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from types import ModuleType


def start() -> int:
    """Live as a worker; the exit code."""
    sys.modules["rich"] = cast("ModuleType", None)
    from strangler.proxy.server import DataPlane
    from strangler.proxy.worker import main

    return main(sys.argv[1:], DataPlane)


if __name__ == "__main__":
    sys.exit(start())
