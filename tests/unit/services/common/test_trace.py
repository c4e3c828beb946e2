"""Names of a request."""

import pytest

from services.common.trace import request_id, trace_id

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("given", ["a", "A-b_c.1:2/3", "x" * 128])
def test_a_harmless_id_is_kept(given):
    assert request_id(given) == given


@pytest.mark.parametrize("given", [None, "", "x" * 129, "a b", "a\n", '{"a"}'])
def test_any_other_is_replaced(given):
    made = request_id(given)
    assert made != given
    assert len(made) == 32
    assert request_id(given) != made


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"01-{TRACE}-00f067aa0ba902b7-01-more", TRACE),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}", None),
        ("", None),
        (None, None),
    ],
)
def test_trace_id(header, expected):
    assert trace_id(header) == expected
