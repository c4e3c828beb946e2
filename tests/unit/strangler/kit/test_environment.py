import pytest

from strangler.kit.compose import compose

ENV = {"NAME": "value", "EMPTY": "", "SECRET": "hunter2"}


def expanded(text, env=ENV):
    root, problems = compose(f'["{text}"]', env)
    return root.items[0].text, [problem.message for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${NAME}", "value"),
        ("a-${NAME}-${NAME}", "a-value-value"),
        ("${EMPTY}", ""),
        ("${MISSING:-http://x:1}", "http://x:1"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${NAME:-fallback}", "value"),
        ("${MISSING:-}", ""),
        ("$${NAME}", "${NAME}"),
        ("$NAME and $", "$NAME and $"),
        ("^/a$", "^/a$"),
    ],
)
def test_references_are_replaced(text, value):
    assert expanded(text) == (value, [])


def test_a_value_is_not_looked_into_again():
    assert expanded("${A}", {"A": "${B}", "B": "x"}) == ("${B}", [])


def test_an_unset_variable_is_a_problem_that_names_it():
    _, messages = expanded("${NAMEE}")
    assert messages == [
        "the environment variable `NAMEE` is not set (did you mean `NAME`?):"
        " set it, or give a fallback as `${NAMEE:-...}`"
    ]


@pytest.mark.parametrize("text", ["${}", "${A B}", "${1}", "${NAME", "${NAME:=x}"])
def test_what_is_no_reference_is_a_problem(text):
    _, (message,) = expanded(text)
    assert "this is no reference to a variable" in message


def test_bytes_that_are_no_text_are_a_problem():
    _, problems = expanded("${BYTES}", {"BYTES": "\udcff"})
    assert problems == ["the environment variable `BYTES` is not UTF-8: set it to a text that is"]
