import pytest

from strangler.config.model import Match, Route, Split
from strangler.config.rules.source import is_split, may_read, may_write


def route(methods=(), shares=(("a", 10_000),)):
    return Route("r", Match(methods=frozenset(methods)), Split(shares), "r", "a")


@pytest.mark.parametrize(
    ("methods", "reads", "writes"),
    [
        ((), True, True),
        (("GET", "HEAD"), True, False),
        (("POST",), False, True),
        (("GET", "DELETE"), True, True),
        (("OPTIONS", "TRACE"), True, False),
        (("PROPFIND",), False, True),
    ],
)
def test_phases(methods, reads, writes):
    assert (may_read(route(methods)), may_write(route(methods))) == (reads, writes)


def test_a_share_of_0_does_not_split():
    assert not is_split(route(shares=(("a", 10_000), ("b", 0))))
    assert is_split(route(shares=(("a", 9_999), ("b", 1))))
