import pytest
import yaml

from strangler.kit import nodes
from strangler.kit.compose import compose


@pytest.mark.parametrize("loader", ["C", "Python"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n\tb: 1\n", "a tab stands here"),
        ("a: b: c\n", "a second `:` on this line"),
        ("a: [1, 2\nb: 3\n", "a `[` is not closed"),
        ("a: {b: 1\nc: 3\n", "a `{` is not closed"),
        ("a: 1\n  b: 2\n", "a second `:` on this line"),
        ("a:\n    - 1\n  - 2\n", "this line does not fit"),
        ("a: 'open\n", "a quote that was opened here is never closed"),
        ("a: @x\n", "not YAML: "),
        ("a: x\x00\n", "the character U+0000 may not stand in a file"),
    ],
)
def test_what_the_parser_says_is_said_so_that_one_can_act_on_it(loader, text, message, monkeypatch):
    if loader == "Python":
        monkeypatch.setattr(nodes.yaml, "CSafeLoader", yaml.SafeLoader)
    root, problems = compose(text, {})
    assert root is None
    (problem,) = problems
    assert message in problem.message


def test_a_text_that_cannot_be_encoded_is_a_problem():
    _, (problem,) = compose("a: \ud800\n", {})
    assert (problem.line, problem.column) == (1, 4)
