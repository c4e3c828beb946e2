import math

import pytest

from strangler.telemetry.prometheus import Family, number, render


def test_a_page_is_help_type_and_samples() -> None:
    requests = Family("x_requests_total", "counter", "Requests.")
    requests.add(3, route="a", upstream="legacy")
    requests.add(2**60, route="b", upstream="legacy")
    assert render([requests, Family("x_empty", "gauge", "Nothing.")]) == (
        "# HELP x_requests_total Requests.\n"
        "# TYPE x_requests_total counter\n"
        'x_requests_total{route="a",upstream="legacy"} 3\n'
        'x_requests_total{route="b",upstream="legacy"} 1152921504606846976\n'
    )


def test_whatever_is_in_a_label_stays_in_it() -> None:
    family = Family("x", "gauge", 'Back\\slash\nand "quotes".')
    family.add(1, route='a"} 9\n\\')
    assert render([family]).splitlines() == [
        '# HELP x Back\\\\slash\\nand "quotes".',
        "# TYPE x gauge",
        'x{route="a\\"} 9\\n\\\\"} 1',
    ]


def test_a_histogram_is_cumulative_and_ends_in_infinity() -> None:
    family = Family("x_seconds", "histogram", "Time.")
    family.add_histogram((0.0005, 1.0), (2, 0, 3), 7.25, route="a")
    assert render([family]).splitlines()[2:] == [
        'x_seconds_bucket{route="a",le="0.0005"} 2',
        'x_seconds_bucket{route="a",le="1"} 2',
        'x_seconds_bucket{route="a",le="+Inf"} 5',
        'x_seconds_sum{route="a"} 7.25',
        'x_seconds_count{route="a"} 5',
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1.0, "1"), (0.1, "0.1"), (-2.5, "-2.5"), (math.inf, "+Inf"), (-math.inf, "-Inf"),
     (math.nan, "NaN"), (1e300, "1e+300")],
)  # fmt: skip
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text
