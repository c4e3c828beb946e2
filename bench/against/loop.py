"""Times a loop over a statement on both sides, for what costs less than a request's noise."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence

from bench.against import rounds
from bench.against.builds import Side
from bench.against.verdict import Compared
from bench.stats import median

CASE = "loop"
_LIMIT = 300.0
"""Seconds that one process may take."""
_PROGRAM = """
import json, sys, timeit
from time import process_time
setup, statement, times = json.loads(sys.argv[1])
timer = timeit.Timer(statement, setup, process_time)
if not times:
    times = max(1, timer.autorange()[0] // 4)  # 50 ms or more
print(json.dumps([times, min(timer.repeat(5, times)) / times * 1e6]))
"""
"""Prints how often it ran, and the CPU time of once, of the best of five: the least disturbed."""


class LoopError(Exception):
    """The statement failed; the message is the end of its traceback."""


def compare(
    sides: Sequence[Side],
    setup: str,
    statement: str,
    number: int,
    progress: Callable[[str], None],
) -> Compared:
    """Both sides in turn, each time in a process of its own. Raises LoopError."""
    times, _ = _once(sides[0], setup, statement, 0, 0)
    taken: dict[str, list[float]] = {side.name: [] for side in sides}
    for each in range(number):
        progress(f"round {each + 1}/{number}: {times} times")
        for side in rounds.order(sides, each):
            taken[side.name].append(_once(side, setup, statement, times, each)[1])
    base, this = (taken[side.name] for side in sides)
    ratios = [ours / theirs for ours, theirs in zip(this, base, strict=True)]
    return Compared(CASE, median(base), median(this), ratios, None)


def _once(side: Side, setup: str, statement: str, times: int, seed: int) -> tuple[int, float]:
    words = [str(side.python), "-c", _PROGRAM, json.dumps([setup, statement, times])]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=_LIMIT, check=False, cwd=side.folder,
        env={**os.environ, **side.env(seed)},
    )  # fmt: skip
    if done.returncode:
        raise LoopError(f"{side.label}: {done.stderr.strip()[-500:]}")
    count, micros = json.loads(done.stdout)
    return count, micros
