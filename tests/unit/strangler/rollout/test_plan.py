from strangler.rollout.document import document, same
from strangler.rollout.plan import Candidate, Change, diff, nearest, summary, takes_back

BASE = """\
version: 1
upstreams:
  legacy: {endpoints: [http://127.0.0.1:8000]}
  reviews: {endpoints: [http://127.0.0.1:8101]}
default: legacy
routes:
  - name: reviews
    match: {prefix: /reviews, methods: [GET]}
    split: {reviews: 10, legacy: 90}
"""


def says(before: str, after: str) -> list[str]:
    return [str(change) for change in diff(before, after)]


def test_comments_layout_and_version_are_no_difference():
    other = BASE.replace("version: 1", "version: 2").replace("{reviews: 10,", "{ reviews: 10.0,")
    assert says(BASE, f"# hello\n{other}") == []


def test_a_changed_field_is_told_before_and_after():
    assert says(BASE, BASE.replace("10, legacy: 90", "12.5, legacy: 87.5")) == [
        "route reviews: split reviews 10 %, legacy 90 % -> reviews 12.5 %, legacy 87.5 %"
    ]


def test_an_upstream_says_the_same_as_a_split_of_100():
    whole = BASE.replace("split: {reviews: 10, legacy: 90}", "upstream: reviews")
    split = BASE.replace("split: {reviews: 10, legacy: 90}", "split: {reviews: 100}")
    assert says(whole, split) == []


def test_what_comes_and_goes_is_told_as_a_whole():
    more = BASE + "  - name: feed\n    match: {path: /feed}\n    respond: {status: 410}\n"
    assert says(BASE, more) == ["route feed: added"]
    assert says(more, BASE) == ["route feed: removed"]


def test_a_field_that_was_not_set_is_told_as_unset():
    assert says(BASE, BASE.replace("/reviews,", "/reviews, host: a.example,")) == [
        "route reviews: match.host unset -> a.example"
    ]


def test_only_a_real_move_of_routes_is_told_as_order():
    feed = "  - name: feed\n    match: {path: /feed}\n    respond: {status: 410}\n"
    first = BASE.replace("routes:\n", f"routes:\n{feed}")
    assert says(BASE + feed, first) == ["routes: order reviews, feed -> feed, reviews"]


def test_a_secret_shows_as_its_reference():
    one = BASE.replace("http://127.0.0.1:8101", "'${REVIEWS_URL}'")
    assert says(BASE, one) == [
        "upstream reviews: endpoints http://127.0.0.1:8101 -> ${REVIEWS_URL}"
    ]


def split(text: str, reviews: int) -> str:
    return text.replace("10, legacy: 90", f"{reviews}, legacy: {100 - reviews}")


def test_a_file_that_lacks_a_live_change_takes_it_back():
    mine = BASE.replace("[GET]", "[GET, HEAD]")
    (taken,) = takes_back(document(BASE), document(mine), document(split(BASE, 25)))
    assert (taken.what, taken.field) == ("route reviews", "split")
    assert taken.after == "reviews 10 %, legacy 90 %"


def test_a_file_that_carries_the_live_change_takes_nothing_back():
    live = split(BASE, 25)
    mine = live.replace("[GET]", "[GET, HEAD]")
    assert takes_back(document(BASE), document(mine), document(live)) == ()


def test_a_route_that_was_added_live_and_is_missing_is_taken_back():
    live = BASE + "  - name: feed\n    match: {path: /feed}\n    respond: {status: 410}\n"
    (taken,) = takes_back(document(BASE), document(BASE), document(live))
    assert taken == Change("route feed", "", "there", None)


def test_the_nearest_version_is_the_base_and_the_first_of_equals():
    candidates = [
        Candidate(3, split(BASE, 25)),
        Candidate(2, BASE),
        Candidate(1, BASE),
    ]
    found = nearest(BASE.replace("[GET]", "[POST]"), candidates)
    assert found is not None
    assert found.number == 2
    assert nearest(BASE, []) is None


def test_a_long_summary_is_cut_with_a_count():
    changes = [Change("route a", str(index), "1", "2") for index in range(5)]
    assert summary(changes).endswith("and 2 more")
    assert summary([]) == "no change"


def test_same_ignores_the_number_and_never_raises():
    assert same(BASE, BASE.replace("version: 1", "version: 9"))
    assert not same(BASE, "a: [")
