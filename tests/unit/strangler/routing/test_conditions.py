import pytest

from strangler.config.model import Match, ValueMatch
from strangler.routing.conditions import Conditions, text_matcher


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        (ValueMatch("X", exact="a"), [b"a"], True),
        (ValueMatch("X", exact="a"), [b"b", b"a"], True),
        (ValueMatch("X", exact="a"), [b"A"], False),
        (ValueMatch("X", exact="a"), [], False),
        (ValueMatch("X", exact=""), [b""], True),
        (ValueMatch("X", exact="\u00e9"), ["\u00e9".encode()], True),
        (ValueMatch("X", regex="a+"), [b"aaa"], True),
        (ValueMatch("X", regex="a+"), [b"aab"], False),
        (ValueMatch("X", regex=".*"), [], False),
        (ValueMatch("X", present=True), [b""], True),
        (ValueMatch("X", present=True), [], False),
        (ValueMatch("X", present=False), [], True),
        (ValueMatch("X", present=False), [b"a"], False),
    ],
)
def test_a_condition_holds_if_any_value_satisfies_it(condition, values, holds):
    conditions = Conditions(Match(headers=(condition,)))
    assert conditions.hold(b"", [(b"x", value) for value in values]) is holds


def test_all_conditions_must_hold():
    conditions = Conditions(
        Match(
            headers=(ValueMatch("a", exact="1"),),
            query=(ValueMatch("b", exact="2"),),
            cookies=(ValueMatch("c", exact="3"), ValueMatch("d", exact="4")),
        )
    )
    headers = [(b"a", b"1"), (b"cookie", b"c=3"), (b"cookie", b"d=4")]
    assert conditions.hold(b"b=2", headers)
    assert not conditions.hold(b"b=1", headers)
    assert not conditions.hold(b"b=2", headers[1:])
    assert not conditions.hold(b"b=2", headers[:2])


def test_text_matcher_takes_bytes_that_are_no_text():
    assert text_matcher("a.b")(b"a\xffb")
    assert text_matcher("a.b")("a\u00e9b".encode())
    assert text_matcher("a.b")(b"a\nb")
