"""Counts the instructions that a gateway's worker executes for a fixed number of requests.

`perf` reads the processor's own counters, where there are any: a virtual machine seldom has them.
Callgrind executes the program itself, 50 times slower, and counts to the same figure within
0.1 % however busy the machine is. Both count in user space only.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from bench import requests
from bench.peers.base import Running
from bench.processes import START_LIMIT
from bench.wrk import LoadError

_LIMIT = 300.0
"""Seconds that a command here may take."""
EVENT = "instructions:u"


class Counter(Protocol):
    """An instrument."""

    @property
    def name(self) -> str:
        """As in the report."""

    @property
    def start_limit(self) -> float:
        """Seconds that a gateway may take to start under it."""

    def under(self, folder: Path) -> tuple[str, ...]:
        """What runs the gateway's command, if anything."""

    def count(self, running: Running, file: Path, folder: Path) -> float:
        """Instructions for one request of the file, which has been asked before.

        Raises LoadError.
        """


class Perf:
    """`perf stat`, attached to the worker while the load runs."""

    name = "perf"
    start_limit = START_LIMIT
    times = 20
    """Here a request costs no more than elsewhere, and interrupts blur short counts."""

    def under(self, _folder: Path) -> tuple[str, ...]:
        return ()

    def count(self, running: Running, file: Path, folder: Path) -> float:
        output = folder / "perf"
        workers = ",".join(map(str, running.workers()))
        attached = ["perf", "stat", "-x", ",", "-e", EVENT, "-p", workers, "-o", str(output), "--"]
        _run(asking(running, file, 1))
        _run([*attached, *asking(running, file, self.times)])
        found = counted(output.read_text())
        if found is None:
            raise LoadError(f"perf counted nothing: {output.read_text()[-300:]}")
        return found / (self.times * len(requests.read(file)))


class Callgrind:
    """Callgrind, which counts from the moment it is told to until it writes what it counted.

    What the worker does by the second, asked or not, would weigh more the slower the machine is
    at the moment; so it is counted apart and taken off.
    """

    name = "callgrind"
    start_limit = 120.0
    times = 2
    idle = 3.0
    """Seconds in which nothing is asked."""

    def under(self, folder: Path) -> tuple[str, ...]:
        file = f"--callgrind-out-file={folder}/callgrind.%p"
        return ("valgrind", "--tool=callgrind", "--trace-children=yes", "--instr-atstart=no", file)

    def count(self, running: Running, file: Path, folder: Path) -> float:
        (worker,) = running.workers()
        dump = folder / f"callgrind.{worker}"
        _run(asking(running, file, 1))
        _run(["callgrind_control", "-i", "on", str(worker)])
        busy, seconds = _window(dump, 1, lambda: _run(asking(running, file, self.times)))
        calm, idle = _window(dump, 2, lambda: time.sleep(self.idle))
        return (busy - calm * seconds / idle) / (self.times * len(requests.read(file)))


def _window(dump: Path, number: int, work: Callable[[], None]) -> tuple[float, float]:
    """Instructions and seconds while `work` runs; the process is in the file's name."""
    worker = dump.suffix[1:]
    _run(["callgrind_control", "-z", worker])
    began = time.monotonic()
    work()
    seconds = time.monotonic() - began
    _run(["callgrind_control", "-d", worker])
    return collected(Path(f"{dump}.{number}").read_text()), seconds


def available() -> tuple[Counter | None, str]:
    """What can count here; the text names it, or says why nothing can."""
    perf = perf_lacks()
    if perf is None:
        return Perf(), "the processor's counters (perf)"
    if shutil.which("valgrind") is None:
        return None, f"{perf}, and valgrind is not installed"
    return Callgrind(), f"callgrind, as {perf}"


def perf_lacks() -> str | None:
    """Why perf cannot count; None if it can. Only trying it tells."""
    if shutil.which("perf") is None:
        return "perf is not installed"
    command = ["perf", "stat", "-x", ",", "-e", EVENT, "--", "true"]
    tried = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=False)
    return "perf finds no counters" if counted(tried.stderr) is None else None


def counted(output: str) -> float | None:
    """The figure of `perf stat -x ,`; None where it counted nothing."""
    for line in output.splitlines():
        figure, *rest = line.split(",")
        if any(field.startswith("instructions") for field in rest) and figure.isdigit():
            return float(figure)
    return None


def collected(dump: str) -> float:
    """The instructions of a dump of Callgrind's. Raises LoadError."""
    found = re.search(r"^totals: (\d+)", dump, re.MULTILINE)
    if found is None:
        raise LoadError("callgrind wrote no total")
    return float(found[1])


def asking(running: Running, file: Path, times: int) -> list[str]:
    """The command that asks for what is in a file."""
    return [sys.executable, "-m", "bench.against.asking", str(running.port), str(file), str(times)]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=False)
    if done.returncode:
        raise LoadError(f"{' '.join(command[:3])}: {(done.stdout + done.stderr)[-300:]}")
