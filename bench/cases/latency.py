"""Latency that a proxy adds at a fixed 1,000 requests/s, over the same load without it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

from bench import requests
from bench.cases.base import Case, Context
from bench.peers.base import Running
from bench.setup import Setup
from bench.verify import WrongAnswerError
from bench.wrk import LoadError

RATE = 1000
SECONDS = 2.5


def added(running: Running, setup: Setup, context: Context) -> Mapping[str, float]:
    """p50 and p99 through the proxy, straight to the upstream, and the differences."""
    requests.write(requests.gets(setup, requests.identities()), context.folder / "requests")
    direct = _open_loop(setup.old, SECONDS / 2, context)
    through = _open_loop(running.port, SECONDS, context)
    return {
        "p50_us": through["p50_us"],
        "p99_us": through["p99_us"],
        "direct_p50_us": direct["p50_us"],
        "direct_p99_us": direct["p99_us"],
        "added_p50_us": through["p50_us"] - direct["p50_us"],
        "added_p99_us": through["p99_us"] - direct["p99_us"],
        "late_us": through["late_us"],
    }


def _open_loop(port: int, seconds: float, context: Context) -> dict[str, float]:
    """Run `bench.openloop` on the load's cores. Raises LoadError, WrongAnswerError."""
    command = [
        *("taskset", "-c", ",".join(map(str, sorted(context.cores.load))), sys.executable, "-m"),
        *("bench.openloop", str(port), str(context.folder / "requests"), str(RATE), str(seconds)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise LoadError(done.stderr[-500:])
    figures: dict[str, float] = json.loads(done.stdout)
    if figures["errors"]:
        raise WrongAnswerError(f"{figures['errors']:.0f} errors in the open-loop load")
    return figures


CASES = (Case("latency", Context.core_path, added),)
