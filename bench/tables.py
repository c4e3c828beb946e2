"""The tables of the report, one function each: results in, lines of Markdown out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.cases import features
from bench.results import Results
from bench.stats import Spread, differences, ratios, spread
from bench.targets import STREAMS, Target

Row = Sequence[str]
NOTHING = "\N{EN DASH}"


def table(head: Row, rows: Iterable[Row], *, numbers: bool = True) -> list[str]:
    """A table; with `numbers`, the columns after the first are set to the right."""
    rule = ["---", *("---:" if numbers else "---" for _ in head[1:])]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def number(value: float) -> str:
    """Three significant digits, or whole numbers with separators from 100 on."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def shown(found: Spread | None, unit: float = 1) -> str:
    """`median (min-max)`, each divided by `unit`; a dash where nothing was measured."""
    if found is None:
        return NOTHING
    median, low, high = (number(v / unit) for v in (found.median, found.low, found.high))
    return median if found.rounds == 1 else f"{median} ({low}{NOTHING}{high})"


def targets_table(targets: Iterable[Target]) -> list[str]:
    """What was asked for and what came out."""
    rows = []
    for target in targets:
        bound = f"{'≤' if target.at_most else '≥'} {target.bound:g} {target.unit}"
        measured = (
            NOTHING if target.measured is None else f"{number(target.measured)} {target.unit}"
        )
        rows.append((target.text, bound, measured, target.verdict.value))
    return table(("target", "bound", "measured", "result"), rows)


def closed_table(results: Results, case: str) -> list[str]:
    """CPU per request and what comes with it."""
    head = (
        *("peer", "CPU µs/request", "to nginx", "to Envoy", "requests/s", "MB/s"),
        *("p50 ms", "p99 ms", "RSS MB", "PSS MB"),
    )
    rows = [_closed_row(results, case, peer) for peer in results.names(case)]
    return table(head, rows)


def _closed_row(results: Results, case: str, peer: str) -> Row:
    def cell(metric: str, unit: float = 1) -> str:
        return shown(spread(list(results.series(case, peer, metric).values())), unit)

    return (
        peer,
        cell("cpu_us"),
        _ratio(results, case, peer, "nginx"),
        _ratio(results, case, peer, "envoy"),
        cell("rps"),
        cell("mb_s"),
        cell("p50_us", 1e3),
        cell("p99_us", 1e3),
        cell("rss", 1e6),
        cell("pss", 1e6),
    )


def _ratio(results: Results, case: str, peer: str, base: str) -> str:
    cpu = results.series(case, peer, "cpu_us")
    return shown(spread(ratios(cpu, results.series(case, base, "cpu_us"))))


def control_line(results: Results, case: str, peer: str) -> str:
    """What the supervisor's share of the CPU time was."""
    found = spread(list(results.series(case, peer, "control_us").values()))
    return f"Of the CPU time of {peer}, its supervisor took {shown(found)} µs a request."


def latency_table(results: Results) -> list[str]:
    """Microseconds added, and what they were added to."""
    columns = {
        "p50 added µs": "added_p50_us",
        "p99 added µs": "added_p99_us",
        "p50 µs": "p50_us",
        "p99 µs": "p99_us",
        "direct p50 µs": "direct_p50_us",
        "direct p99 µs": "direct_p99_us",
        "sent late µs (p99)": "late_us",
    }
    metrics = [(metric, 1.0) for metric in columns.values()]
    return _plain_table(results, "latency", ("peer", *columns), metrics)


def idle_table(results: Results) -> list[str]:
    """Memory of 1,000 idle connections."""
    head = ("peer", "KB a connection", "RSS MB before", "RSS MB with 1,000")
    metrics = [("per_connection", 1e3), ("fresh_rss", 1e6), ("rss", 1e6)]
    return _plain_table(results, "idle", head, metrics)


def stream_table(results: Results) -> list[str]:
    """Speed and growth of each transfer."""
    columns = [
        (f"{name} {what}", (f"{name}_{key}", unit))
        for name in STREAMS
        for what, key, unit in (("MB/s", "mb_s", 1.0), ("growth MB", "growth", 1e6))
    ]
    head = ("peer", *(text.replace("_", " ") for text, _ in columns))
    return _plain_table(results, "stream", head, [column for _, column in columns])


def _plain_table(
    results: Results, case: str, head: Row, metrics: Sequence[tuple[str, float]]
) -> list[str]:
    rows = []
    for peer in results.names(case):
        values = [list(results.series(case, peer, metric).values()) for metric, _ in metrics]
        cells = (shown(spread(v), unit) for v, (_, unit) in zip(values, metrics, strict=True))
        rows.append((peer, *cells))
    return table(head, rows)


def features_table(results: Results) -> list[str]:
    """What each feature of ours adds to the step it stands on."""
    rows = []
    for step in (*features.STEPS, features.TLS):
        cpu = results.series(features.CASE, step.name, "cpu_us")
        if not cpu:
            continue
        base = results.series(features.CASE, step.over, "cpu_us") if step.over else {}
        cost = spread(differences(cpu, base))
        rows.append((step.name, shown(spread(list(cpu.values()))), shown(cost), step.over or ""))
    return table(("feature", "CPU µs/request", "cost µs", "over"), rows)
