"""What the figures of two commits amount to."""

import pytest

from bench.against.verdict import Compared, Verdict, sentence

EQUAL = [0.99, 1.0, 1.01] * 3
NOISY = [0.9, 1.0, 1.1] * 3
SLOW = [1.1, 1.12, 1.14] * 3
SLIGHTLY = [1.021, 1.03, 1.04] * 3


def compared(ratios=EQUAL, counts=None, case="canary"):
    return Compared(case, 40.0, 41.0, ratios, counts)


@pytest.mark.parametrize(
    ("ratios", "counts", "verdict"),
    [
        (EQUAL, None, Verdict.WITHIN),
        (EQUAL, (100.0, 102.0), Verdict.WITHIN),
        (EQUAL, (100.0, 102.1), Verdict.SLOWER),
        (NOISY, None, Verdict.OPEN),
        (NOISY, (100.0, 100.5), Verdict.WITHIN),
        (NOISY, (100.0, 103.0), Verdict.SLOWER),
        (SLOW, None, Verdict.SLOWER),
        (SLOW, (100.0, 100.0), Verdict.SLOWER),
        (SLIGHTLY, None, Verdict.SLOWER),
        ([0.8] * 9, (100.0, 90.0), Verdict.WITHIN),
        (SLOW[:5], None, Verdict.OPEN),
        (SLOW[:5], (100.0, 115.0), Verdict.SLOWER),
    ],
)
def test_a_verdict(ratios, counts, verdict):
    assert compared(ratios, counts).verdict is verdict


def test_an_interval_that_touches_2_percent_is_not_wholly_above():
    assert compared([1.02, 1.03, 1.04] * 3).verdict is Verdict.OPEN


def test_one_slower_case_is_what_is_said():
    text = sentence([compared(), compared(SLOW, case="relay"), compared(NOISY)], "HEAD~1")
    assert text == "Slower than HEAD~1: relay."


def test_what_cannot_be_told_is_said():
    text = sentence([compared(), compared(NOISY, case="relay")], "HEAD~1")
    assert text.startswith("Not called slower than HEAD~1, but not shown to be within 2 %: relay.")


def test_what_only_the_count_tells_is_said():
    text = sentence([compared(), compared(NOISY, (100.0, 100.0), "everything")], "v1")
    assert text.endswith("within 2 %. By count; CPU time alone is too wide to tell: everything.")


def test_all_within_and_nothing_at_all():
    assert sentence([compared()], "v1") == "Not slower than v1: within 2 %."
    assert sentence([], "v1") == "Nothing was measured."
