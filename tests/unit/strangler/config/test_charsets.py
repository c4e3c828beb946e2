from re import _parser as parser

import pytest

from strangler.config.charsets import EVERYTHING, OTHER, anything_in, first_of, single


def one(pattern):
    return single(*parser.parse(pattern)[0])


def codes(text):
    return frozenset(map(ord, text))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a", codes("aA")),
        ("[a-c]", codes("abcABC")),
        ("[^a]", EVERYTHING - codes("a")),
        (".", EVERYTHING),
        (r"[\d_]", codes("0123456789_") | {OTHER}),
        ("[^a-z]", EVERYTHING - codes("abcdefghijklmnopqrstuvwxyz")),
        ("€", frozenset({OTHER})),
    ],
)
def test_the_characters_of_one_item(pattern, expected):
    assert one(pattern) == expected


def test_a_sequence_is_not_one_item():
    assert one("(ab)") is None


def test_negated_sets_are_never_too_small():
    assert OTHER in one(r"[^\d]")
    assert OTHER in one("[^€]")


def test_everything_that_a_sequence_can_match():
    assert anything_in(parser.parse("^a(?:b|c+)$")) == codes("aAbBcC")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("ab", codes("aA")), ("a?b", codes("aAbB")), ("(?:a|b)c", codes("abAB")), ("a*", None)],
)
def test_what_a_sequence_can_begin_with(pattern, expected):
    assert first_of(parser.parse(pattern)) == expected
