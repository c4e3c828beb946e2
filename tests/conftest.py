"""What all tests share: how they are ordered and spread, and from which seeds properties draw."""

from __future__ import annotations

import gc
import json
import os
import random
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from support.kept import Keeper

ROOT = Path(__file__).parent.parent
TIMES = Path(__file__).parent / "times.json"
"""Seconds that each file of tests takes, as last measured by `--write-times`."""
UNKNOWN = 1.0
"""What a file is taken for that has not been measured."""

# Hypothesis without deadlines: a busy machine is no failure. Without a seed of its own each run
# draws the same examples as the one before, on every machine, so that what fails is the change;
# `make soak` draws others.
settings.register_profile(
    "same", derandomize=True, deadline=None, database=None, print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.register_profile("soak", settings.get_profile("same"), derandomize=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("strangler")
    group.addoption(
        "--write-times", action="store_true", help=f"write what each file took to {TIMES.name}"
    )
    group.addoption(
        "--soak-seed", type=int, default=None, metavar="N", help="draw what an earlier soak drew"
    )


def soaking(config: pytest.Config) -> bool:
    """Whether this is `make soak`."""
    return config.getoption("markexpr").startswith("soak")


def load_profile(name: str) -> None:
    """Load one of Hypothesis' profiles above.

    Hypothesis also draws numbers and texts that it finds in the source of those of our modules that
    are imported by then, which depends on the tests that ran before in the process. There is no
    setting for that, so with "same" it is told that it found none; `make soak` draws them.
    """
    settings.load_profile(name)
    if name == "same":
        assert callable(providers._get_local_constants)
        providers._get_local_constants = providers.Constants


def pytest_configure(config: pytest.Config) -> None:
    load_profile("soak" if soaking(config) else "same")
    if config.getoption("soak_seed") is None:
        config.option.soak_seed = random.SystemRandom().randrange(1, 10**9)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Stopwatch(config), "stopwatch")
        config.add_cleanup(Keeper().close)


def pytest_report_header(config: pytest.Config) -> str | None:
    if not soaking(config):
        return None
    seed = config.getoption("soak_seed")
    return f"seed {seed}: make soak ARGS='--soak-seed {seed}' draws the same again"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """`-n auto` is three processes for two cores: many tests wait for a server much of the time."""
    return min(3 * (os.cpu_count() or 1) // 2, 8) if config.option.numprocesses == "auto" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left with one in the end.

    `--dist loadfile --no-loadscope-reorder` hands the files out in this order.
    """
    times = json.loads(TIMES.read_text()) if TIMES.exists() else {}
    items.sort(key=lambda item: -times.get(_file(item.nodeid), UNKNOWN))


def pytest_collection_finish() -> None:
    """Take what all tests share out of garbage collection: each would look at it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """End the servers of this process; of `support.shared`, if any test has asked for one."""
    if shared := sys.modules.get("support.shared"):
        shared.close()


class Stopwatch:
    """Adds up what each file took, over all processes of tests."""

    def __init__(self, config: pytest.Config) -> None:
        self._took: dict[str, float] = defaultdict(float)
        self._writes = config.getoption("write_times")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._took[_file(report.nodeid)] += report.duration

    def pytest_sessionfinish(self) -> None:
        if not self._writes:
            return
        known = json.loads(TIMES.read_text()) if TIMES.exists() else {}
        found = {name: round(seconds, 1) for name, seconds in self._took.items()}
        kept = {name: took for name, took in (known | found).items() if (ROOT / name).exists()}
        TIMES.write_text(json.dumps(dict(sorted(kept.items())), indent=0) + "\n")


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
