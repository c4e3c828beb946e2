import gc

import pytest
import yaml

from strangler.kit import nodes
from strangler.kit.compose import MAX_DEPTH, compose
from strangler.kit.nodes import Mapping, Scalar, Sequence


@pytest.fixture(params=["C parser", "Python parser"], autouse=True)
def parser(request, monkeypatch):
    """Both parsers give the same nodes and problems."""
    if request.param == "Python parser":
        monkeypatch.setattr(nodes.yaml, "CSafeLoader", yaml.SafeLoader)


def messages(text, **arguments):
    _, problems = compose(text, {}, **arguments)
    return [f"{problem.line}:{problem.column} {problem.message}" for problem in problems]


def test_nodes_know_their_place_in_characters():
    root, problems = compose("é: ['ü', 😀x]\nb:\n  c: 1\n", {})
    assert isinstance(root, Mapping)
    items = root.get("é")
    assert isinstance(items, Sequence)
    place = items.items[1]
    assert (place.line, place.column, place.start.index, place.end.index) == (1, 10, 9, 11)
    assert problems == []


def test_scalars_stay_text():
    root, _ = compose("[off, 12.50, 0x10, ~, '~', 2024-01-01]", {})
    assert [item.raw for item in root.items] == ["off", "12.50", "0x10", "~", "~", "2024-01-01"]
    assert [item.is_null for item in root.items] == [False, False, False, True, False, False]


def test_a_duplicate_key_is_named_with_both_lines():
    assert messages("a: 1\nb: 2\na: 3\n") == [
        "3:1 the key `a` was already written on line 1: keep one of the two"
    ]


def test_the_first_of_two_keys_counts():
    root, _ = compose("a: 1\na: {b: 2}\nc: 3\n", {})
    assert [(key.raw, value.raw) for key, value in root.entries] == [("a", "1"), ("c", "3")]


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "---\n", "~\n"])
def test_an_empty_file_is_a_problem(text):
    assert messages(text) == ["1:1 the file is empty: `strangler init` writes a first one"]


def test_a_second_document_is_refused():
    (message,) = messages("a: 1\n---\nb: 2\n")
    assert message.startswith("2:1 a second document begins here")


def test_merge_keys_and_tags_are_refused():
    assert messages("a: &x {b: 1}\nc: {<<: *x}\n")[0].startswith("2:5 merge keys")
    assert messages("a: !!python/name:os.system x\n")[0].startswith("1:4 the tag `")


def test_a_key_must_be_a_text():
    assert messages("? [a]\n: 1\nb: 2\n")[0].startswith("1:3 a key must be a plain text")


def test_an_alias_is_the_node_it_names():
    root, problems = compose("a: &x [1, 2]\nb: *x\n", {})
    assert root.get("a") is root.get("b")
    assert problems == []


def test_an_unknown_alias_and_one_of_itself_are_refused():
    assert messages("a: *x\n") == ["1:4 the alias `*x` has no anchor `&x` before it"]
    assert messages("a: &x [*x]\n") == ["1:8 the alias `*x` stands inside what it names"]


def test_a_small_file_cannot_become_a_huge_one():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (message,) = messages("\n".join(lines), max_nodes=100_000)
    assert "more than 100,000 values, aliases unfolded" in message


def test_depth_is_bounded():
    (message,) = messages("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    assert message == f"1:{MAX_DEPTH + 1} nested deeper than {MAX_DEPTH} levels"


def test_variables_are_replaced_in_values_not_in_keys():
    root, problems = compose("${A}: x-${A}\n", {"A": "1"})
    ((key, value),) = root.entries
    assert (key.text, value.text, value.raw) == ("${A}", "x-1", "x-${A}")
    assert problems == []


def test_a_bom_moves_nothing():
    root, _ = compose("\ufeffa: 1\n", {})
    ((_, value),) = root.entries
    assert (value.line, value.column) == (1, 4)


def test_scalars_show_no_credentials_and_no_novels():
    root, _ = compose(f"[http://a:b@c/, {'x' * 100}]", {})
    shown = [item.shown for item in root.items if isinstance(item, Scalar)]
    assert shown == ["`http://...@c/`", f"`{'x' * 57}...`"]


def test_a_tree_goes_when_it_is_let_go():
    text = "a: [" + "x, " * 1000 + "]\n"
    gc.collect()
    gc.disable()
    try:
        compose(text, {})
        left = gc.collect()
    finally:
        gc.enable()
    assert left < 100
