"""The gateway's half of docs/performance.md, from the results alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench import tables
from bench.cases import features
from bench.machine import anonymous
from bench.results import Results
from bench.targets import OURS, targets

_CLOSED: Mapping[str, str] = {
    "canary": "Core path: 150-byte JSON, 100 routes, sticky 10 % canary",
    "routes-100": "150-byte JSON, 100 routes",
    "routes-1": "150-byte JSON, 1 route",
    "post": "10 KB POST",
    "large": "1 MB answer",
}

_INTRODUCTION = """\
# The gateway

Written by `python -m bench`."""

_METHOD = """\
## How it is measured

- Each proxy runs alone on one core, with one worker; load, upstream and harness run on the rest.
  The peers take turns within each round, and a ratio is taken within its round; the tables show
  the median of the rounds and, in parentheses, the lowest and highest.
- CPU time is utime + stime of the whole process tree (a master or supervisor included), divided
  by the requests answered. Memory is that of the worker process; PSS divides shared pages among
  the processes that share them.
- The upstream is nginx over kept connections. The load is wrk, 64 connections, one thread. The
  load's core is the bottleneck where a proxy is not (`busy` in the JSON output is below 1), so
  compare CPU time first and requests/s second.
- Every proxy does the same work: keep-alive both ways, X-Forwarded-For and -Proto, a request
  id of its own, no access log. The configurations are in `bench/peers/`, each with its
  reasons. Deadlines and counters are on in each as they are by default.
- Before each load, answers are compared to the byte, identities are asked twice for the same
  side, and the upstream says which headers came. After it, errors must be 0, the upstreams must
  have served what the load counted, and the canary's share must be 10 % within 3 points. A case
  that fails this gives no figure and is listed under failures.
- Latency is measured with an open loop: 1,000 requests/s, each counted from the moment it was
  due, against the same load straight to the upstream just before."""


def render(results: Results) -> str:
    """The whole document."""
    return "\n\n".join("\n".join(block) for block in _blocks(results)) + "\n"


def _blocks(results: Results) -> Iterator[list[str]]:
    yield [_INTRODUCTION]
    yield ["## Targets"]
    yield tables.targets_table(targets(results))
    if results.failures:
        yield ["## Failures"]
        yield failures_table(results)
    yield ["## Machine"]
    yield tables.table(("", ""), _machine(results).items(), numbers=False)
    yield ["## Again", "", *_again(results)]
    yield from _measurements(results)
    yield [_METHOD]


def _machine(results: Results) -> dict[str, str]:
    return {**results.machine, **results.peers, **results.settings}


def _again(results: Results) -> list[str]:
    lines = ["```sh", "apt-get install nginx haproxy wrk", "pip install -e .[dev,bench]"]
    lines += ["make bench                 # or: python -m bench --quick", "```"]
    return lines + skipped_lines(results)


def skipped_lines(results: Results) -> list[str]:
    """The peers that were not started, after an empty line."""
    skipped = [f"Skipped: {name}: {reason}." for name, reason in results.skipped.items()]
    return ["", *skipped] if skipped else []


def failures_table(results: Results) -> list[str]:
    """The cases without a figure, and why."""
    rows = ((f.case, f.peer, _one_line(f.reason)) for f in results.failures)
    return tables.table(("case", "peer", "what happened"), rows, numbers=False)


def _one_line(text: str) -> str:
    return " ".join(anonymous(text).split()).replace("|", "\\|")[:500]


def _measurements(results: Results) -> Iterator[list[str]]:
    for case, title in _CLOSED.items():
        if results.names(case):
            yield [f"## {title}"]
            yield tables.closed_table(results, case)
            if OURS in results.names(case):
                yield [tables.control_line(results, case, OURS)]
    if results.names("latency"):
        yield ["## Latency added at 1,000 requests/s on the core path"]
        yield tables.latency_table(results)
    if results.names("idle"):
        yield ["## 1,000 idle connections"]
        yield tables.idle_table(results)
    if results.names("stream"):
        yield ["## A long body streamed each way"]
        yield [f"{results.settings.get('Streamed', '')}. Growth counts from before the first."]
        yield tables.stream_table(results)
    if results.names(features.CASE):
        yield ["## What each feature of ours costs"]
        yield tables.features_table(results)
