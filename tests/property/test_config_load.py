"""Loading is total: whatever a file holds, it is a table or problems at places of the file."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cdc.config import SYNC
from strangler.config.load import check
from strangler.kit.quantities import hundredths, percent_text

WORDS = st.sampled_from(
    [
        *("version", "upstreams", "default", "routes", "groups", "gateway", "sync", "name"),
        *("match", "split", "upstream", "prefix", "path", "regex", "template", "methods", "GET"),
        *("legacy", "/a", "/a/{x}", "(a+)+", "10", "100", "5s", "64k", "~", "true", "headers"),
        *("endpoints", "http://a:1", "redirect", "respond", "status", "410", "identity", "kill"),
        *("${A}", "${B:-1}", "&x", "*x", "<<", "!!str", "é", "rewrite", "strip_prefix", "force"),
    ]
)
VALUES = st.recursive(
    WORDS.map(lambda word: f'"{word}"') | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(WORDS, inner), max_size=5).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        )
    ),
    max_leaves=25,
)
HEAD = "version: 1\nupstreams: {legacy: {endpoints: [http://127.0.0.1:8000]}}\ndefault: legacy\n"


def assert_total(text):
    checked = check(text, env={"A": "hunter2"}, sections={"sync": SYNC})
    lines = text.replace("\r", "\n").count("\n") + 1
    assert (checked.table is None) == bool(checked.errors)
    for problem in checked.problems:
        assert 1 <= problem.line <= lines + 1
        assert problem.column >= 1
        assert "hunter2" not in problem.message
        assert "\n" not in problem.at("routes.yaml")


@given(VALUES)
def test_a_whole_file(text):
    assert_total(text)


@given(st.lists(VALUES, max_size=3), VALUES)
def test_routes_and_groups(routes, groups):
    items = "".join(f"- {route}\n" for route in routes)
    assert_total(f"{HEAD}groups: {groups}\nroutes:\n{items}")


@settings(max_examples=200)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text(text):
    checked = check(text, env={})
    assert checked.table is None
    assert checked.errors


@given(st.integers(0, 10_000))
def test_hundredths_are_written_and_read_without_loss(value):
    text = percent_text(value)
    assert hundredths(text) == value
    assert len(text) <= 5
