"""Reading a file piece by piece gives what reading it whole gives, or says that it cannot."""

from hypothesis import event, example, given
from hypothesis import strategies as st

from strangler.kit.problems import ConfigError
from strangler.rollout import document
from strangler.rollout.plan import diff, diff_documents

TEXT = """\
# the shop
version: 1
upstreams:
  legacy: {endpoints: [http://127.0.0.1:8000]}
  reviews:
    endpoints:
    - http://127.0.0.1:8101   # new
default: legacy
routes:

  # pages
  - name: reviews
    match: {prefix: /reviews, methods: [GET]}
    labels:
      why: |
        - name: x
    split: {reviews: 10, legacy: 90}
  - name: "notices"
    match:
      headers:
        X-A: 'it''s'
    upstream: legacy
  -
    name: feed
    respond: {status: 410, body: "two
      lines"}
  - {name: last, match: {path: /last}, upstream: reviews}
groups:
  reviews: {kill: false}
"""
SNIPPETS = st.sampled_from(
    [
        *(
            "\n",
            "\r\n",
            " ",
            "  ",
            "- ",
            "  - ",
            "\n  - name: x\n",
            "\nroutes:\n",
            "\n- a\n",
            '"',
            "'",
        ),
        *(
            "{",
            "}",
            "[",
            "]",
            ":",
            ": ",
            "#",
            " #",
            "|",
            ">",
            "&a ",
            "*a",
            "---\n",
            "\n...\n",
            "\t",
            "~",
        ),
        *("\nname: y\n", "12", "a", "?", "? ", "!!str ", "%", "<<: *a", "version: 2\n", "\ufeff"),
        *("\t# x\n", "\r", "\x85", "\u2028", "\x07", "# x\u2028y: 1\n"),
    ]
)
GAPS = (0, TEXT.index("version"), TEXT.index("\n  # pages"), TEXT.index("  # pages"))
"""Where text stands that no piece holds."""


@st.composite
def mangled(draw):
    """The text with a few snippets put in or in place of something."""
    text = TEXT
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.sampled_from(GAPS) | st.integers(0, len(text)))
        start = min(start, len(text))
        end = draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + draw(SNIPPETS) + text[end:]
    return text


def whole(text):
    try:
        return document._whole(text)
    except ConfigError:
        return None


@given(mangled())
@example("\t# x\n" + TEXT)
@example(TEXT.replace("\n  # pages", "\n\t# pages"))
@example("# x\u2028y: 1\n" + TEXT)
@example("# \x07\n" + TEXT)
def test_pieces_and_whole_agree(text):
    found = document._by_pieces(text.removeprefix("\ufeff"))
    event(f"cut: {found is not None}")
    assert found is None or found == whole(text)


@given(mangled(), mangled())
def test_differences_of_parts_are_differences_of_the_whole(one, other):
    first, second = whole(one), whole(other)
    if first is None or second is None:  # most mangled texts cannot be read: no matter for health
        event("cannot be read")
        return
    assert set(diff(one, other)) == set(diff_documents(first, second))
    assert document.same(one, other) == ({**first, "version": None} == {**second, "version": None})
