import pytest

from strangler.kit.shapes import Parsed, Reference, UnfitError, name, text

SHORT = text("a short text", r".{1,3}", "write at most three characters")


def test_a_text_that_does_not_fit_is_shown_with_what_to_write(read):
    assert read(SHORT, "abc") == ("abc", [])
    assert read(SHORT, "abcd") == (
        None,
        ["`abcd` is not a short text: write at most three characters"],
    )


def test_the_value_of_a_variable_is_never_shown(read):
    def parse(text):
        raise UnfitError("is wrong", "write a number", f"write `{text}1`")

    shape = Parsed("a number", parse, {})
    assert read(shape, "x") == (None, ["`x` is wrong: write `x1`"])
    assert read(shape, "${SECRET}", {"SECRET": "hunter2"}) == (
        None,
        ["`${SECRET}` is wrong: write a number"],
    )


@pytest.mark.parametrize("good", ["a", "A-1", "reviews_v2.x", "9", "x" * 63])
def test_names(read, good):
    assert read(name("a name"), good) == (good, [])


@pytest.mark.parametrize("bad", ["'a b'", "-a", "é", "''", "a/b", "x" * 64])
def test_what_is_no_name(read, bad):
    value, (message,) = read(name("a name"), bad)
    assert value is None
    assert "is not a name" in message


def test_a_reserved_name_is_refused(read):
    _, (message,) = read(name("a name", reserved=frozenset({"old"})), "old")
    assert message == "`old` has a meaning of its own here: take another name"


def test_a_reference_names_something_that_is_there(read):
    shape, names = Reference("an upstream", "upstreams"), {"upstreams": frozenset({"legacy"})}
    assert read(shape, "legacy", names=names) == ("legacy", [])
    _, (message,) = read(shape, "legcay", names=names)
    assert "(did you mean `legacy`?)" in message
    _, (message,) = read(shape, "other", names=names)
    assert "(there are `legacy`)" in message


def test_nothing_is_unknown_in_a_section_that_is_missing(read):
    assert read(Reference("an upstream", "upstreams"), "x") == ("x", [])
