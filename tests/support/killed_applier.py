"""A process that applies a stream which is always the same, to be killed: `URL ROWS`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

PARTITIONS = 4
LEASE = 0.5
"""Short, so that whoever comes after a killed one need not wait."""


def main(url: str, rows: int) -> None:
    """Apply until the process is killed, or everything is there."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from cdc.applier.applier import Applier
    from cdc.applier.targets import open_target
    from cdc.testing import ScriptedReader
    from support.appliers import stream
    from support.records import Script

    reader = ScriptedReader()
    script = Script(reader)
    for number in range(rows):
        row = {"id": number, "title": f"row {number}", "stars": number % 5}
        script.put("review", row, partition=number % PARTITIONS)
    script.marker(["review"], range(PARTITIONS))
    what = stream(url, "review", partitions=PARTITIONS)
    applier = Applier(what, open_target(url, "shop"), reader, batch=200, lease=LEASE)
    applier.run(threading.Event(), poll=0.0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
