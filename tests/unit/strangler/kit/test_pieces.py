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
