"""What header lines mean, and what is remembered of them."""

import pytest

from strangler.proxy.fields import (
    HeadError,
    Lines,
    approve_request,
    approve_response,
    drop,
    pairs_of,
    without,
)


def test_lines_are_learnt_within_bounds():
    lines: Lines[list] = Lines({b"host": drop}, lambda name: b"_" in name)
    assert lines.learn(b"Host:  a \t") == (drop, b"a")
    assert lines.learn(b"X_Y: b") == (drop, b"b")
    assert lines.learn(b"Accept: c") is None
    assert set(lines.known) == {b"Host:  a \t", b"X_Y: b", b"Accept: c"}
    lines.learn(b"Long: " + b"x" * 300)
    assert len(lines.known) == 3
    for number in range(10_000):
        lines.learn(b"N: %d" % number)
    assert len(lines.known) <= 4096


def test_pairs_are_lower_case_names_and_bare_values():
    assert pairs_of([b"X-A:  1\t", b"x-a:"]) == [(b"x-a", b"1"), (b"x-a", b"")]


def test_without_goes_by_lower_case_names():
    assert without([b"A: 1", b"b: 2", b"B:3"], frozenset((b"b",))) == [b"A: 1"]


@pytest.mark.parametrize("line", [b" folded", b"X : 1", b"X: a\nb", b"X: \x00", b"nocolon"])
def test_heads_are_read_strictly(line):
    with pytest.raises(HeadError):
        approve_request(b"GET / HTTP/1.1\r\nHost: h\r\n" + line + b"\r\n\r\n")
    with pytest.raises(HeadError):
        approve_response(b"HTTP/1.1 200 OK\r\nA: b\r\n" + line + b"\r\n\r\n")
