"""The answer in one word, in a number, and as JSON."""

import json
from dataclasses import replace

import pytest

from cdc.reconcile.report import Difference, Lack, Outcome, Report, TableReport, value_of

CLEAN = TableReport(
    table="t", to="t", source_rows=1, target_rows=1, ranges=1, seconds=0.1, missing=0, extra=0,
    different=0, unsettled=0, differences=(), left_out=(("mail", "it is masked on its way"),),
    how="ranges", clean_at=7, checked_at=1.0,
)  # fmt: skip
MISSING = replace(CLEAN, missing=1, differences=(Difference(Lack.MISSING, (5,)),))
RESTLESS = replace(CLEAN, unsettled=1)


@pytest.mark.parametrize(
    ("tables", "reason", "outcome", "code"),
    [
        ((CLEAN,), None, Outcome.EQUAL, 0),
        ((CLEAN, MISSING), None, Outcome.DIFFERENT, 1),
        ((CLEAN, RESTLESS), None, Outcome.UNKNOWN, 3),
        ((RESTLESS, MISSING), None, Outcome.DIFFERENT, 1),
        ((CLEAN,), "no applier", Outcome.UNKNOWN, 3),
        ((MISSING,), "no applier", Outcome.DIFFERENT, 1),
    ],
)
def test_the_answer(tables, reason, outcome, code):
    report = Report("s", tables, 1.0, 2.0, reason)
    assert (report.outcome, report.exit_code) == (outcome, code)


def test_json():
    report = json.loads(Report("s", (MISSING,), 1.0, 2.0).to_json())
    assert report["outcome"] == "different"
    [table] = report["tables"]
    assert table["differences"][0]["key"] == [5]
    assert table["differences"][0]["kind"] == "missing"
    assert table["left_out"] == [["mail", "it is masked on its way"]]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "-5", -5), ("boolean", "1", True), ("text", "a", "a"), ("text", None, None),
        ("binary", "00ff", "AP8="), ("float", "15e-1", 1.5), ("float", "NaN", "NaN"),
        ("timestamptz", "2026-11-24 09:30:00", "2026-11-24 09:30:00+00"),
        ("uuid", "a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ],
)  # fmt: skip
def test_a_key_s_value_is_read_from_its_text(kind, text, value):
    assert value_of(kind, text) == value
