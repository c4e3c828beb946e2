import pytest

from strangler.kit import pieces

TEXT = """\
# the shop
version: 1
routes:   # all of them

  # pages
  - name: a
    labels:
      - x
  -
    name: b
  - {name: c}
sync: {}
"""


def items(text):
    section = pieces.sections(text)["routes"]
    found = pieces.items(section)
    return found and [item.text for item in found]


def test_a_text_is_cut_before_its_keys_and_items():
    sections = pieces.sections(TEXT)
    assert list(sections) == ["version", "routes", "sync"]
    assert sections["version"].text == "version: 1\n"
    found = pieces.items(sections["routes"])
    assert [item.text.split()[-1] for item in found] == ["x", "b", "c}"]
    assert all(TEXT[item.start :].startswith(item.text) for item in found)


def test_pieces_are_read_alone():
    section = pieces.sections(TEXT)["version"]
    assert pieces.read_section(section).raw == "1"
    assert len(pieces.read_items(items(TEXT))) == 3


@pytest.mark.parametrize(
    "text", ["", "{version: 1}", "--- \nversion: 1", "'version': 1\n", "a: 1\na: 2\n"]
)
def test_what_cannot_be_cut(text):
    assert pieces.sections(text) is None


@pytest.mark.parametrize(
    "before",
    [
        "\t# x\n",
        " \t\n",
        "# a\u2028b: 1\n",
        "# a\x85b: 1\n",
        "# a\rb: 1\n",
        "# \x07\n",
        "# \ud800\n",
    ],
)
def test_what_stands_in_front_of_a_cut_is_read_too(before):
    """YAML's reader refuses it, or finds a line of its own in it."""
    assert pieces.sections(f"{before}version: 1\n") is None
    assert pieces.sections(f"# x\n\n  # y\n{TEXT}") is not None
    assert items(f"routes:\n{before}  - name: a\n") is None
    assert items("routes:\n# x\n\n    # y\n  - name: a\n") is not None


@pytest.mark.parametrize(
    "text", ["routes: []\n", "routes: [\n{name: a}]\n", "routes:\n", "routes: x"]
)
def test_lists_that_are_written_otherwise(text):
    assert items(text) is None


@pytest.mark.parametrize(
    "text",
    [
        'routes:\n- name: "a\n- name: b"\n',
        "routes:\n- name: [a,\n- b]\n",
        "routes:\n- name: &x a\n- name: b\n",
        "routes:\n- name: a\n- name: *x\n",
    ],
)
def test_a_wrong_cut_shows_when_it_is_read(text):
    assert pieces.read_items(items(text)) is None


def test_a_key_inside_a_flow_mapping_is_no_section():
    sections = pieces.sections("gateway: {\nlisten: x}\n")
    assert pieces.read_section(sections["gateway"]) is None
