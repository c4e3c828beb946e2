"""The targets of the data plane, computed from the samples: met, not met, or not measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.cases.features import CASE as FEATURES
from bench.cases.features import CORE, EVERYTHING
from bench.results import Results
from bench.stats import median, ratios

OURS = "strangler"
TIMES = "\N{MULTIPLICATION SIGN}"
CLOSED = ("routes-1", "routes-100", "canary", "post", "large")


class Verdict(StrEnum):
    """How a target came out."""

    MET = "met"
    NOT_MET = "**not met**"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table of targets."""

    text: str
    bound: float
    at_most: bool
    """Whether `bound` is the most or the least that is allowed."""
    unit: str
    measured: float | None

    @property
    def verdict(self) -> Verdict:
        if self.measured is None:
            return Verdict.NOT_MEASURED
        within = self.measured <= self.bound if self.at_most else self.measured >= self.bound
        return Verdict.MET if within else Verdict.NOT_MET


def targets(results: Results) -> list[Target]:
    """Every target with what was measured of it."""
    to_nginx = _ratio(results, "canary", "nginx", "cpu_us")
    to_envoy = _ratio(results, "canary", "envoy", "cpu_us")
    by_aiohttp = _ratio(results, "canary", "aiohttp", "cpu_us")
    features = _over_core(results)
    return [
        Target("CPU per request, core path, to nginx", 2.0, True, TIMES, to_nginx),
        Target("CPU per request, core path, to Envoy", 0.6, True, TIMES, to_envoy),
        Target(
            "CPU per request, everything on, to nginx", 2.5, True, TIMES, _times(to_nginx, features)
        ),
        Target(
            "CPU per request, everything on, to Envoy",
            0.75,
            True,
            TIMES,
            _times(to_envoy, features),
        ),
        Target(
            "CPU per request of the aiohttp proxy, to ours",
            5.0,
            False,
            TIMES,
            1 / by_aiohttp if by_aiohttp else None,
        ),
        Target(
            "1 MB answers, throughput to nginx's",
            0.7,
            False,
            TIMES,
            _ratio(results, "large", "nginx", "mb_s"),
        ),
        Target("Resident memory of a worker, highest", 60, True, "MB", _highest_rss(results)),
        Target("Idle connection", 15, True, "KB", _median(results, "idle", "per_connection", 1e3)),
        *(
            Target(
                f"Growth while a long body streams, {text}", 8, True, "MB", _growth(results, metric)
            )
            for metric, text in STREAMS.items()
        ),
    ]


STREAMS = {
    "down": "down",
    "up": "up",
    "slow_down": "down to a slow reader",
    "slow_up": "up to a slow upstream",
}
"""Names of the transfers in the case `stream` and in the report."""


def _ratio(results: Results, case: str, peer: str, metric: str) -> float | None:
    found = ratios(results.series(case, OURS, metric), results.series(case, peer, metric))
    return median(found) if found else None


def _over_core(results: Results) -> float | None:
    """Everything on over the core path, in the rounds of the features."""
    core = results.series(FEATURES, CORE, "cpu_us")
    found = ratios(results.series(FEATURES, EVERYTHING, "cpu_us"), core)
    return median(found) if found else None


def _times(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left * right


def _highest_rss(results: Results) -> float | None:
    found = [v for case in CLOSED for v in results.series(case, OURS, "rss").values()]
    return max(found) / 1e6 if found else None


def _median(results: Results, case: str, metric: str, unit: float) -> float | None:
    found = list(results.series(case, OURS, metric).values())
    return median(found) / unit if found else None


def _growth(results: Results, metric: str) -> float | None:
    return _median(results, "stream", f"{metric}_growth", 1e6)


def not_met(found: Sequence[Target]) -> list[Target]:
    """Those that were measured and missed."""
    return [target for target in found if target.verdict is Verdict.NOT_MET]
