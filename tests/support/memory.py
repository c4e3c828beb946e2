"""The memory of processes, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path

import psutil


def peak_mb(pid: int) -> float:
    """The highest resident memory of a process and its children so far, in MB."""
    family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    return sum(_peak(each) for each in family) / 1e6


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
