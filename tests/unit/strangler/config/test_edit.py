import pytest

from strangler.config.edit import EditError, set_kill, set_split, set_version

BLOCK = """\
# the shop
version: 7   # bump me
routes:
  - name: reviews  # pages
    group: g
    split:
      reviews: 10     # a tenth
      'legacy': "90"

  - {name: api, group: g, upstream: legacy}   # one line
  - name: feed
    respond: {status: 410}
"""


def test_a_version_is_changed_in_place():
    assert set_version(BLOCK, 8) == BLOCK.replace("version: 7 ", "version: 8 ")
    assert set_version("version: '7'\n", 8) == "version: '8'\n"
    assert set_version("version:\na: 1\n", 8) == "version: 8\na: 1\n"


def test_a_split_is_changed_in_place():
    assert set_split(BLOCK, ["reviews"], {"legacy": 7450, "reviews": 2550}) == BLOCK.replace(
        "reviews: 10  ", "reviews: 25.5  "
    ).replace('"90"', '"74.5"')


def test_the_same_split_changes_nothing_however_it_is_written():
    text = BLOCK.replace("10 ", "10.00 ")
    assert set_split(text, ["reviews"], {"reviews": 1000, "legacy": 9000}) == text


def test_an_upstream_becomes_a_split_and_a_split_stays_one():
    text = set_split(BLOCK, ["api"], {"reviews": 1000, "legacy": 9000})
    assert "group: g, split: {legacy: 90, reviews: 10}}   # one line" in text
    back = set_split(text, ["api"], {"legacy": 10_000})
    assert "split: {legacy: 100, reviews: 0}" in back


def test_all_to_the_upstream_that_is_there_changes_nothing():
    assert set_split(BLOCK, ["api"], {"legacy": 10_000}) == BLOCK


def test_a_new_upstream_is_added_in_the_style_of_the_split():
    text = set_split(BLOCK, ["reviews"], {"reviews": 1000, "legacy": 8000, "v2": 1000})
    assert "      'legacy': \"80\"\n      v2: 10\n\n" in text
    flow = "routes: [{name: a, split: {x: 100, }}]\n"
    assert set_split(flow, ["a"], {"y": 10_000}) == (
        "routes: [{name: a, split: {x: 0, y: 100, }}]\n"
    )


def test_line_endings_and_a_byte_order_mark_stay():
    text = "\ufeff" + BLOCK.replace("\n", "\r\n").replace("shop", "shöp 😀")
    edited = set_split(text, ["reviews"], {"reviews": 5000, "legacy": 4000, "v2": 1000})
    assert edited.startswith("\ufeff# the shöp 😀\r\n")
    assert "      reviews: 50     # a tenth\r\n" in edited
    assert '"40"\r\n      v2: 10\r\n' in edited
    assert edited.count("\n") == edited.count("\r\n")


def test_kill_is_put_on_the_first_route_of_the_group():
    text = set_kill(BLOCK, "g", kill=True)
    assert "  - name: reviews  # pages\n    kill: true\n    group: g\n" in text
    assert set_kill(text, "g", kill=True) == text
    assert set_kill(text, "g", kill=False) == text.replace("kill: true", "kill: false")
    assert set_kill(BLOCK, "g", kill=False) == BLOCK


def test_kill_is_changed_where_it_is_said():
    text = f"groups: {{g: {{kill: false}}}}\n{BLOCK}"
    assert set_kill(text, "g", kill=True) == text.replace("kill: false", "kill: true")


def test_kill_in_a_flow_mapping_and_at_the_end_of_a_file():
    flow = "routes: [{name: a, upstream: x}]"
    assert set_kill(flow, "a", kill=True) == "routes: [{name: a, kill: true, upstream: x}]"
    block = "routes:\n- upstream: x\n  name: a"
    assert set_kill(block, "a", kill=True) == f"{block}\n  kill: true"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("routes: [{name: a, split: &s {x: 100}}, {name: b, split: *s}]", "through an anchor"),
        ("routes: [{name: b, split: &s {x: 100}}, {name: a, split: *s}]", "through an anchor"),
        ("routes: [{name: b, x: &s 100}, {name: a, split: {x: *s}}]", "through an anchor"),
        ("routes: [{name: a, split: {x: '${SHARE}'}}]", "comes from a variable"),
        ("routes: [{name: a, upstream: [x]}]", "is not a single value"),
        ("routes:\n- name: a\n  split:\n    x: |\n      100\n", "is a block of text"),
        ("routes: [{name: a, respond: {status: 410}}]", "it redirects or answers itself"),
        ("routes: [{name: b}]", "no route `a`"),
        ("routes: [", "cannot be read as YAML"),
    ],
)
def test_what_cannot_be_changed_in_place_is_refused_with_a_sentence(text, message):
    with pytest.raises(EditError, match=message):
        set_split(text, ["a"], {"x": 0, "y": 10_000})


def test_other_refusals():
    with pytest.raises(EditError, match="sum to 90, not to 100"):
        set_split(BLOCK, ["reviews"], {"reviews": 9000})
    with pytest.raises(EditError, match="has no `version:`"):
        set_version("routes:\n", 1)
    with pytest.raises(EditError, match="no route of the file belongs to the group `x`"):
        set_kill(BLOCK, "x", kill=True)
