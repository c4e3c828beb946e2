from strangler.kit.compose import compose
from strangler.kit.nodes import described, walk


def node(text):
    root, problems = compose(text, {})
    assert not problems
    return root


def test_walk_goes_as_deep_as_the_path_is_there():
    root = node("a:\n  - b: 1\n  - c: {d: 2}\n")
    assert walk(root, "a", 1, "c", "d").raw == "2"
    assert walk(root, "a", 1, "x", "y") is walk(root, "a", 1)
    assert walk(root, "a", 7) is walk(root, "a")


def test_nodes_are_described_for_messages():
    root = node("[{a: 1}, [1], text, ~]")
    assert [described(item) for item in root.items] == ["a mapping", "a list", "`text`", "nothing"]


def test_get_answers_none_for_what_is_not_there():
    assert node("a: 1").get("b") is None
