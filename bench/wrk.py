"""Closed-loop load with wrk: 64 connections that each send as soon as they are answered."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Cores

CONNECTIONS = 64
SCRIPT = Path(__file__).with_name("load.lua")


class LoadError(Exception):
    """wrk itself failed; the message is its output."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What wrk saw."""

    requests: int
    seconds: float
    bytes: int
    """Heads included."""
    errors: int
    """Connections refused or cut, timeouts, and answers other than 2xx and 3xx."""
    p50_us: float
    p99_us: float


def parse(output: str) -> Figures:
    """Read the line that `load.lua` prints. Raises LoadError."""
    for line in output.splitlines():
        if line.startswith("FIGURES "):
            requests, micros, size, errors, p50, p99 = map(int, line.split()[1:])
            return Figures(requests, micros / 1e6, size, errors, p50, p99)
    raise LoadError(output[-500:])


def run(url: str, requests: Path, *, seconds: float, cores: Cores) -> Figures:
    """Load `url` for `seconds` (whole ones; wrk knows no others). Raises LoadError."""
    whole = max(1, round(seconds))
    command = [
        *("taskset", "-c", ",".join(map(str, sorted(cores.load)))),
        *("wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{whole}s", "--timeout", "10s"),
        *("-s", str(SCRIPT), url, "--", str(requests)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=whole + 30, check=False)
    return parse(done.stdout + done.stderr)
