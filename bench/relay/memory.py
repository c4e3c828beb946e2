"""The highest resident memory of processes (VmHWM of /proc/PID/status)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path


def peak(pids: Iterable[int]) -> float:
    """Bytes, summed over the processes; pages that they share count for each."""
    found = 0
    for pid in pids:
        with contextlib.suppress(OSError):  # it ended meanwhile
            found += parse_peak(Path(f"/proc/{pid}/status").read_text())
    return found


def parse_peak(status: str) -> int:
    """Bytes of the line `VmHWM:`; 0 for a zombie, which has none."""
    _, _, rest = status.partition("VmHWM:")
    return int(rest.split(maxsplit=1)[0]) * 1024 if rest else 0
