"""Query parameters, where the monolith's reading and aiohttp's differ."""

import pytest

from services.common.errors import BadParameterError
from services.common.parameters import number, parameters, slug


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/api/reviews", {}),
        ("/api/reviews?", {}),
        ("/a?x=1&y=2&x=3", {"x": "3", "y": "2"}),
        ("/a?x=&y", {"x": "", "y": ""}),
        ("/a?x=a+b%20c%2B", {"x": "a b c+"}),
        ("/a?x=1?y=2", {"x": "1?y=2"}),
        ("/a?x=1;y=2", {"x": "1;y=2"}),
        ("/a?x=%zz", {"x": "%zz"}),
    ],
)
def test_parameters(target, expected):
    assert parameters(target) == expected


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("007", 7), ("999999999", 999_999_999)])
def test_a_number(text, value):
    assert number({"page": text}, "page") == value


def test_no_number():
    assert number({}, "page") is None


@pytest.mark.parametrize("text", ["", "0", "-1", "+1", "1.0", " 1", "1\n", "\u0661", "x", "1" * 10])
def test_not_a_number(text):
    with pytest.raises(BadParameterError, match=r"^page must be a whole number from 1\.$"):
        number({"page": text}, "page")


def test_a_number_out_of_range():
    assert number({"page_size": "100"}, "page_size", at_most=100) == 100
    with pytest.raises(BadParameterError, match=r"^page_size must be .* from 1 to 100\.$"):
        number({"page_size": "101"}, "page_size", at_most=100)


@pytest.mark.parametrize(
    ("given", "expected"), [({}, None), ({"c": ""}, None), ({"c": "a-1"}, "a-1")]
)
def test_a_slug(given, expected):
    assert slug(given, "c") == expected


@pytest.mark.parametrize("text", ["A", "a b", "é", "a\n", "a" * 51])
def test_not_a_slug(text):
    with pytest.raises(BadParameterError, match="lower-case letters, digits and hyphens"):
        slug({"c": text}, "c")
