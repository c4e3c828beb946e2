import pytest

from strangler.rollout.document import document
from strangler.rollout.rebase import carry, merge

BASE = """\
# the shop
version: 3
upstreams:
  legacy:
    endpoints: [http://127.0.0.1:8000]   # gunicorn
  reviews: {endpoints: [http://127.0.0.1:8101]}
default: legacy

routes:
  # reviews first
  - name: reviews
    match: {prefix: /reviews}
    split: {reviews: 10, legacy: 90}  # canary
  - name: feed
    match: {path: /feed}
    respond: {status: 410}
"""
NOTICES = """\
  # new
  - name: notices
    match: {prefix: /notices}
    upstream: legacy
"""


def at(text: str, reviews: int) -> str:
    return text.replace("reviews: 10, legacy: 90", f"reviews: {reviews}, legacy: {100 - reviews}")


def numbered(text: str, version: int) -> str:
    return text.replace("version: 3", f"version: {version}")


def test_edits_of_both_sides_come_together_and_only_touched_values_change():
    mine = numbered(BASE, 4).replace("# gunicorn", "# gunicorn, gthread").replace("/feed}", "/f}")
    live = numbered(at(BASE, 25), 4)
    assert merge(BASE, mine, live).text == at(mine, 25)


def test_a_route_added_live_comes_with_its_comment_to_its_place():
    live = BASE.replace("  - name: feed", f"{NOTICES}  - name: feed")
    mine = BASE.replace("# the shop", "# our shop")
    assert merge(BASE, mine, live).text == live.replace("# the shop", "# our shop")


def test_a_route_removed_live_goes():
    live = BASE[: BASE.index("  - name: feed")]
    assert merge(BASE, BASE.replace("# the shop", "#"), live).text == live.replace(
        "# the shop", "#"
    )


def test_a_section_added_live_comes_too():
    live = BASE + "groups:\n  reviews:\n    kill: true  # stop\n"
    mine = at(BASE, 50)
    assert merge(BASE, mine, live).text == mine + "groups:\n  reviews:\n    kill: true  # stop\n"


def test_a_deeper_layout_is_indented_as_the_file_is():
    deep = BASE.replace("\n  - name", "\n    - name").replace("\n    match", "\n      match")
    deep = deep.replace("\n    split", "\n      split").replace("\n    respond", "\n      respond")
    live = BASE + NOTICES
    merged = merge(BASE, deep, live).text
    assert merged is not None
    assert document(merged) == document(live)
    assert "\n    - name: notices\n      match:" in merged


@pytest.mark.parametrize(
    ("mine", "live", "where"),
    [
        (at(BASE, 50), at(BASE, 25), "routes.reviews.split"),
        (BASE.replace(": legacy\n", ": a\n"), BASE.replace(": legacy\n", ": b\n"), "default"),
        (BASE[: BASE.index("  - name: feed")], BASE.replace("410", "404"), "routes.feed"),
    ],
)  # fmt: skip
def test_what_both_changed_is_a_conflict_and_can_be_decided(mine, live, where):
    merged = merge(BASE, mine, live)
    assert merged.text is None
    assert merged.conflicts == (where,)
    assert document(merge(BASE, mine, live, "file").text) == document(mine)
    assert document(merge(BASE, mine, live, "live").text) == document(live)


def test_both_made_the_same_change():
    assert merge(BASE, at(BASE, 25), at(BASE, 25)).text == at(BASE, 25)


def test_a_split_never_mixes_shares_of_two_sides():
    mine = BASE.replace("split: {reviews: 10, legacy: 90}", "upstream: reviews")
    assert merge(BASE, mine, at(BASE, 25)).conflicts == ("routes.reviews.split",)


def test_anchors_are_left_to_people():
    base = BASE.replace("{endpoints: [http://127.0.0.1:8101]}", "&r {endpoints: [http://a:1]}")
    merged = merge(base, base.replace("/feed}", "/f}"), at(base, 25))
    assert merged.text is None


def test_line_endings_and_a_byte_order_mark_stay():
    mine = "\ufeff" + BASE.replace("\n", "\r\n").replace("/feed}", "/f}")
    merged = merge(BASE, mine, at(BASE, 25)).text
    assert merged == at(mine, 25)


def test_an_unedited_copy_becomes_the_live_text():
    live = numbered(at(BASE, 25), 4)
    assert carry(BASE, BASE, live).text == live


def test_a_copy_with_unapplied_edits_keeps_them_and_its_distance():
    live = numbered(at(BASE, 25), 4)
    begun = BASE.replace("/feed}", "/f}")
    assert carry(BASE, begun, live).text == numbered(at(begun, 25), 4)
    meant = numbered(begun, 4)
    assert carry(BASE, meant, live).text == numbered(at(begun, 25), 5)


def test_a_copy_that_differs_in_comments_only_takes_the_live_number():
    live = numbered(at(BASE, 25), 4)
    mine = BASE.replace("# canary", "# since Monday")
    assert carry(BASE, mine, live).text == numbered(at(mine, 25), 4)


def test_a_half_written_copy_is_left_alone():
    assert carry(BASE, BASE + "  - {", numbered(BASE, 4)).text is None
