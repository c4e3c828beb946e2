import pytest


def routes(*rest):
    lines = [
        f"- {{name: r{n}, group: g, match: {{path: /{n}{', methods: ' + m if m else ''}}}, {do}}}"
        for n, (m, do) in enumerate(rest)
    ]
    return "routes:\n" + "\n".join(lines) + "\n"


TEN = "split: {reviews: 10, legacy: 90}"
TWENTY = "split: {reviews: 20, legacy: 80}"


def test_routes_of_a_group_have_one_split(config):
    (told,) = config.told(routes(("", TEN), ("", TWENTY)))
    assert told.startswith(
        "3:50 error: the reads of the group `g` are split in another way by `r0` (line 8)"
    )


def test_reads_and_writes_may_differ(config):
    config.table(routes(("[GET]", TEN), ("[POST]", "upstream: legacy"), ("[HEAD]", TEN)))


def test_a_route_that_takes_both_counts_in_both(config):
    (told,) = config.told(routes(("[GET]", TEN), ("[POST]", TWENTY), ("", TEN)))
    assert "the writes of the group `g`" in told


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TEN, "split: {legacy: 90.00, reviews: 10.0}"),
        ("upstream: reviews", "split: {reviews: 100, legacy: 0}"),
        ("upstream: legacy", "split: {reviews: 0, legacy: 100}"),
        (TEN, "respond: {status: 410}"),
        (TEN, "redirect: {path: /x}"),
    ],
)
def test_what_comes_to_the_same_agrees(config, one, other):
    config.table(routes(("", one), ("", other)))


def test_the_order_of_new_sides_matters(config):
    one = "split: {reviews: 10, notices: 10, legacy: 80}"
    other = "split: {notices: 10, reviews: 10, legacy: 80}"
    assert len(config.told(routes(("", one), ("", other)))) == 1


def test_a_share_of_0_counts_where_a_list_can_reach_it(config):
    one, other = "upstream: legacy, allow: [anna]", "split: {reviews: 0, legacy: 100}"
    assert len(config.told(routes(("", one), ("", other)))) == 1
