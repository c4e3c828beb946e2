"""Which cases run, and what becomes of one that does not."""

from pathlib import Path

import pytest

from bench.against import comparing, gateway, relaying
from bench.against.builds import Side
from bench.against.comparing import CASES, Comparison
from bench.processes import StartError
from bench.results import Results, Sample

SIDES = [Side("base", "b", Path("b")), Side("this", "t", Path("t"))]


@pytest.fixture
def comparison():
    return Comparison(SIDES, 6, Results({}, {}, {}), lambda _: None)


@pytest.fixture
def here(monkeypatch):
    """Everything is installed; nothing is started."""
    monkeypatch.setattr(comparing, "start_upstreams", lambda *_: None)
    monkeypatch.setattr(comparing.counting, "available", lambda: (None, "nothing counts"))
    monkeypatch.setattr(gateway, "absent", lambda: None)
    monkeypatch.setattr(relaying, "absent", lambda: "no Java")


def pretend(case, sides, _context, results, number):
    """The working tree costs a tenth more in `canary`; `everything` never starts."""
    if case == "everything":
        raise StartError("unknown key")
    for side, cost in zip(sides, (40.0, 44.0), strict=True):
        results.samples.append(Sample(case, side.name, number, {"cpu_us": cost}))


def test_a_case_that_fails_is_told_once_and_the_others_go_on(
    comparison, here, monkeypatch, tmp_path
):
    monkeypatch.setattr(gateway, "measure", pretend)
    comparison.run(CASES, tmp_path)
    (failure,) = comparison.results.failures
    assert (failure.case, failure.reason) == ("everything", "StartError: unknown key")
    assert comparison.results.skipped == {"relay": "no Java", "applier": "no Java"}
    (canary,) = comparison.compared(CASES)
    assert (canary.case, canary.base_us, canary.this_us) == ("canary", 40.0, 44.0)
    assert canary.ratios == [pytest.approx(1.1)] * 6
    assert canary.instructions is None


def test_instructions_are_those_of_base_and_of_this_one(comparison, here, monkeypatch, tmp_path):
    monkeypatch.setattr(gateway, "measure", pretend)
    monkeypatch.setattr(comparing.counting, "available", lambda: (object(), "something counts"))
    counts = {"base": 100.0, "this": 110.0}
    monkeypatch.setattr(gateway, "count", lambda _case, side, *_: counts[side.name])
    comparison.run(["canary"], tmp_path)
    (canary,) = comparison.compared(CASES)
    assert canary.count_ratio == pytest.approx(1.1)
    assert comparison.results.settings == {"Instructions": "something counts"}


def test_rounds_that_one_side_lacks_do_not_count(comparison):
    comparison.results.samples.append(Sample("relay", "base", 0, {"cpu_us": 7.0}))
    assert comparison.compared(CASES) == []
