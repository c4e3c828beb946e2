"""CPU time and memory of process trees: from their clocks, and from /proc (proc(5))."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields of /proc/PID/stat that the benchmark needs."""

    pid: int
    command: str
    parent: int


def parse_stat(text: str) -> Stat:
    """Read one line of /proc/PID/stat.

    The command is in parentheses and may itself hold spaces and parentheses, so the fields after
    it are counted from the last closing one.
    """
    opening, closing = text.index("("), text.rindex(")")
    fields = text[closing + 2 :].split()
    return Stat(int(text[:opening]), text[opening + 1 : closing], int(fields[1]))


def parse_pss(text: str) -> int:
    """Bytes of the `Pss:` line of /proc/PID/smaps_rollup."""
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no Pss line")


def parse_rss(text: str) -> int:
    """Bytes resident, from /proc/PID/statm."""
    return int(text.split()[1]) * PAGE


def family(stats: Iterable[Stat], root: int) -> list[int]:
    """`root` and all its descendants, parents before children."""
    children: dict[int, list[int]] = {}
    for stat in stats:
        children.setdefault(stat.parent, []).append(stat.pid)
    found = [root]
    for pid in found:  # grows while it is walked
        found.extend(children.get(pid, ()))
    return found


def tree(root: int) -> list[int]:
    """The living descendants of `root` and `root` itself."""
    return family(_all_stats(), root)


def cpu_us(pids: Iterable[int]) -> float:
    """CPU time the processes have used so far, in microseconds; a dead one counts 0."""
    return sum(map(_clock_us, pids))


def rss(pid: int) -> int:
    """Bytes resident of one process."""
    return parse_rss(Path(f"/proc/{pid}/statm").read_text())


def pss(pid: int) -> int:
    """Bytes of one process, shared pages divided among those that share them."""
    return parse_pss(Path(f"/proc/{pid}/smaps_rollup").read_text())


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text[text.rindex(")") + 2] not in "ZX"


def _clock_us(pid: int) -> float:
    """What the process's CPU clock shows: user and system time of all threads, ended ones too.

    It counts nanoseconds, where /proc/PID/stat has ticks of 10 ms. The clock's number is made as
    clock_getcpuclockid(3) makes it, for which Python has no name.
    """
    try:
        return time.clock_gettime_ns(~pid << 3 | 2) / 1e3
    except OSError:
        return 0.0


def _stat(pid: int | str) -> Stat | None:
    try:
        return parse_stat(Path(f"/proc/{pid}/stat").read_text())
    except OSError:  # it ended between the listing and the reading
        return None


def _all_stats() -> list[Stat]:
    pids = (entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [stat for pid in pids if (stat := _stat(pid)) is not None]
