"""The whole document, from results alone."""

from bench.report import render
from bench.results import Failure, Results, Sample

CLOSED = {
    "cpu_us": 20.0,
    "control_us": 0.1,
    "rps": 50000.0,
    "mb_s": 12.0,
    "p50_us": 1200.0,
    "p99_us": 2500.0,
    "rss": 12e6,
    "pss": 6e6,
}


def document(*samples: Sample, failures: tuple[Failure, ...] = ()) -> str:
    return render(
        Results(
            {"Processor": "A processor", "Kernel": "Linux 6.1"},
            {"nginx": "nginx/1.22"},
            {"envoy": "the wheel is not installed"},
            {"Run": "5 rounds", "Streamed": "1024 MiB each way"},
            list(samples),
            list(failures),
        )
    )


def test_machine_versions_and_skipped_peers_are_named():
    text = document()
    assert "| Processor | A processor |" in text
    assert "| nginx | nginx/1.22 |" in text
    assert "Skipped: envoy: the wheel is not installed." in text


def test_only_cases_with_figures_have_a_section():
    text = document(Sample("canary", "nginx", 0, CLOSED))
    assert "## Core path" in text
    assert "## 10 KB POST" not in text
    assert "## 1,000 idle connections" not in text


def test_rounds_show_median_and_extremes_and_paired_ratios():
    text = document(
        *(Sample("canary", "nginx", n, {**CLOSED, "cpu_us": us}) for n, us in enumerate((20, 40))),
        *(Sample("canary", "strangler", n, {**CLOSED, "cpu_us": 60.0}) for n in range(2)),
    )
    row = next(line for line in text.splitlines() if line.startswith("| strangler |"))
    assert "60.0 (60.0\N{EN DASH}60.0)" in row
    assert "2.25 (1.50\N{EN DASH}3.00)" in row
    assert "its supervisor took" in text


def test_a_missed_target_is_printed_as_missed():
    text = document(
        Sample("canary", "nginx", 0, CLOSED),
        Sample("canary", "strangler", 0, {**CLOSED, "cpu_us": 50.0}),
    )
    line = next(line for line in text.splitlines() if "core path, to nginx" in line)
    assert "| 2.50 " in line
    assert line.endswith("| **not met** |")


def test_failures_are_listed_in_one_line_each():
    text = document(failures=(Failure("post", "envoy", "status 503\n a|b"),))
    assert "| post | envoy | status 503 a\\|b |" in text


def test_every_table_has_as_many_cells_in_each_row():
    streams = {f"{n}_{k}": 1e6 for n in ("down", "up", "slow_down") for k in ("mb_s", "growth")}
    text = document(
        Sample("canary", "nginx", 0, CLOSED),
        Sample("latency", "nginx", 0, {"added_p50_us": 1.0}),
        Sample("idle", "nginx", 0, {"per_connection": 500.0}),
        Sample("stream", "nginx", 0, streams),
        Sample("features", "1 route", 0, CLOSED),
        Sample("features", "100 routes", 0, CLOSED),
    )
    for block in text.split("\n\n"):
        lines = [line.count(" |") for line in block.splitlines() if line.startswith("|")]
        assert len(set(lines)) <= 1
