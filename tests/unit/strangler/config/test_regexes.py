import pytest

from strangler.config.regexes import literal_beginning, regex
from strangler.kit.shapes import UnfitError

HARMLESS = [
    "/api/v[0-9]+/.*",
    "/[^/]+/[^/]+/[^/]+/[^/]+",
    "/[a-z]+(?:-[a-z]+)*",
    "(?:/[^/]+)*",
    "(?:[a-z]+-)*x",
    r"(\d+\.){3}\d+",
    r"/\d{4}/\d{2}/[\w-]+/?",
    "/(?:en|de)/.*",
    "(?:en|de)+",
    "(?i)/Shop/.*",
    "a?b?c?d?",
    r"(\w|\d)+",
    "/a/.*/b/.*",
    "(a{1,3}){1,3}",
]
DANGEROUS = [
    "(a+)+",
    "(a*)*",
    "(a+)*b",
    "((a+))*",
    "(a|a)*",
    "(a|ab)*",
    "(?:x|b|y(?:a|ab))*",
    "(?:a|b|ab)+c",
    "(x+x+)+y",
    r"(\s*\w+)*",
    r"([a-z]+\.?)+",
    "(?:(?:a|b)+)+",
    "(a?){20}",
    "(.*a){12}",
    "(.*,){2,5}x",
    r"(.)\1+",
    "(a)?(?(1)b|c)",
    "(?=(a+)+)b",
    ".*.*.*x",
    ".*a.*b.*c",
    "(?:a*|b)(?:a*|c)(?:a*|d)x",
    "(?i)(ab|Ac)*",
]


@pytest.mark.parametrize("pattern", HARMLESS)
def test_harmless_patterns_are_taken(pattern):
    assert regex(pattern) == pattern


@pytest.mark.parametrize("pattern", DANGEROUS)
def test_patterns_that_could_take_very_long_are_refused(pattern):
    with pytest.raises(UnfitError, match="can take very long"):
        regex(pattern)


@pytest.mark.parametrize("pattern", ["(", "[a", "a**", "(?P<x>a)(?P<x>b)", "(?<=a+)b"])
def test_what_does_not_compile_is_refused(pattern):
    with pytest.raises(UnfitError, match="does not compile"):
        regex(pattern)


def test_a_pattern_is_not_a_novel():
    with pytest.raises(UnfitError, match="is too long"):
        regex("a" * 1001)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/api/v[0-9]+", ("/api/v", False)),
        ("/api/x", ("/api/x", True)),
        ("^/api/x$", ("/api/x", True)),
        ("/(a|b)", ("/", False)),
        ("(?i)/api", ("", False)),
        (".*", ("", False)),
        ("/a?", ("/", False)),
    ],
)
def test_the_text_that_every_match_begins_with(pattern, expected):
    assert literal_beginning(pattern) == expected
