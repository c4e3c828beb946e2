"""The targets of the relay, computed from the samples: met, not met, or not measured."""

from __future__ import annotations

from bench.relay.plan import APPLIER, BIG, LATENCY, SNAPSHOT, VERIFY
from bench.results import Results
from bench.stats import median, ratios
from bench.targets import TIMES, Target

OURS = "strangler"
FENCED, UNFENCED = f"{OURS}, fenced", f"{OURS}, at_least_once"
DEBEZIUM, LIMIT, COPY = "debezium", "pg_recvlogical", "COPY"
BASIS = "commit-100"


def targets(results: Results) -> list[Target]:
    """Every target with what was measured of it."""
    return [
        *_throughput(results),
        *_latency(results),
        Target("Memory, a transaction of a million rows", 150, True, "MB",
               _median(results, BIG, FENCED, "rss", 1e-6)),
        Target("Snapshot, to COPY TO STDOUT", 0.4, False, TIMES, _snapshot(results)),
        Target("Applier, into PostgreSQL", 20_000, False, "rows/s",
               _median(results, APPLIER, OURS, "rate")),
        Target("A million rows compared", 10, True, "s",
               _median(results, VERIFY, OURS, "seconds")),
    ]  # fmt: skip


def _throughput(results: Results) -> list[Target]:
    """Both ways of delivery must meet them."""
    return [
        Target(f"Changes/s, {ours.partition(', ')[2]}, to {text}", bound, False, TIMES,
               _ratio(results, BASIS, ours, peer, "rate"))
        for peer, text, bound in ((DEBEZIUM, "Debezium's", 2.5), (LIMIT, "pg_recvlogical's", 0.6))
        for ours in (UNFENCED, FENCED)
    ]  # fmt: skip


def _latency(results: Results) -> list[Target]:
    return [
        Target(f"Latency {metric}, {ours.partition(', ')[2]}, to Debezium's", bound, True, TIMES,
               _ratio(results, LATENCY, ours, DEBEZIUM, f"{metric}_ms"))
        for ours, metric, bound in (
            (UNFENCED, "p50", 0.6), (UNFENCED, "p99", 0.6), (FENCED, "p50", 1.0),
            (FENCED, "p99", 2.0),
        )
    ]  # fmt: skip


def _ratio(results: Results, case: str, ours: str, peer: str, metric: str) -> float | None:
    """The median of the ratios within each round."""
    found = ratios(results.series(case, ours, metric), results.series(case, peer, metric))
    return median(found) if found else None


def _median(results: Results, case: str, peer: str, metric: str, unit: float = 1.0) -> float | None:
    found = list(results.series(case, peer, metric).values())
    return median(found) * unit if found else None


def _snapshot(results: Results) -> float | None:
    ours, copy = (_median(results, SNAPSHOT, peer, "rate") for peer in (FENCED, COPY))
    return None if ours is None or copy is None else ours / copy
