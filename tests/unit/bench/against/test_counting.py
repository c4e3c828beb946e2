"""Reading what perf and Callgrind write."""

import pytest

from bench.against import counting
from bench.against.counting import Callgrind, Perf, available, collected, counted, perf_lacks
from bench.wrk import LoadError

PERF = "# started on Mon Nov 30 21:00:00 2026\n\n12345678,,instructions:u,1000000,100.00,,\n"
LACKING = "<not supported>,,instructions:u,0,100.00,,\n"
DUMP = "version: 1\nsummary: 18446744073690135264\n\ntotals: 120947634\n"


def test_perf_counts_or_says_that_it_cannot():
    assert counted(PERF) == 12345678
    assert counted(LACKING) is None
    assert counted("") is None


def test_other_events_of_perf_are_not_taken():
    assert counted("99,,cycles:u,1000,100.00,,\n" + PERF) == 12345678


def test_callgrind_is_read_by_its_totals_as_its_summary_wraps_around():
    assert collected(DUMP) == 120947634
    with pytest.raises(LoadError, match="no total"):
        collected("version: 1\n")


@pytest.mark.parametrize(
    ("programs", "instrument", "text"),
    [
        ((), None, "perf is not installed, and valgrind is not installed"),
        (("valgrind",), Callgrind, "callgrind, as perf is not installed"),
    ],
)
def test_without_perf(monkeypatch, programs, instrument, text):
    monkeypatch.setattr(counting.shutil, "which", lambda name: name if name in programs else None)
    found, how = available()
    assert how == text
    assert found is None if instrument is None else isinstance(found, instrument)


def test_perf_is_taken_where_it_counts(monkeypatch):
    monkeypatch.setattr(counting, "perf_lacks", lambda: None)
    assert isinstance(available()[0], Perf)


@pytest.mark.parametrize(("printed", "reason"), [(PERF, None), (LACKING, "perf finds no counters")])
def test_only_trying_tells_whether_perf_counts(monkeypatch, tmp_path, printed, reason):
    perf = tmp_path / "perf"
    perf.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{printed}END\n")
    perf.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert perf_lacks() == reason
