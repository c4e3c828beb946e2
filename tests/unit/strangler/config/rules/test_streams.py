import pytest

from strangler.config.rules import check_owners

SYNC = """\
sync:
  one: {source: 'sqlite:///a', tables: [t]}
"""
READ = (
    "- {name: read, group: g, match: {prefix: /a, methods: [GET]}, upstream: reviews,"
    " sync: [one]}\n"
)


def table(config, *routes, groups=""):
    return config.table(f"{groups}routes:\n{READ}{''.join(routes)}{SYNC}")


def write(do, name="write"):
    return f"- {{name: {name}, group: g, match: {{prefix: /a, methods: [POST]}}, {do}}}\n"


def test_writes_of_a_group_with_streams_are_not_split(config):
    told = config.told(f"routes:\n{READ}{write('split: {reviews: 10, legacy: 90}')}{SYNC}")
    assert len(told) == 1
    assert told[0].startswith("3:72 error: the group `g` has streams, so its writes go to one")


@pytest.mark.parametrize("do", ["split: {reviews: 0, legacy: 100}", "upstream: legacy"])
def test_writes_to_one_side_are_fine(config, do):
    table(config, write(do))


def test_writes_of_a_group_without_streams_may_be_split(config):
    config.table(f"routes:\n{write('split: {reviews: 10, legacy: 90}')}")


def test_the_old_side_owns_the_data_unless_the_store_says_otherwise(config):
    to_old = table(config, write("upstream: legacy"))
    to_new = table(config, write("upstream: reviews"))
    assert check_owners(to_old, {}) == []
    assert check_owners(to_new, {"g": "reviews"}) == []
    (problem,) = check_owners(to_new, {})
    assert (problem.line, problem.column) == (9, 3)
    assert "`write` would send writes elsewhere than to `legacy`" in problem.message
    (problem,) = check_owners(to_old, {"g": "reviews"})
    assert "elsewhere than to `reviews`" in problem.message


def test_kill_sends_writes_to_the_old_side(config):
    killed = table(config, write("upstream: reviews, kill: true"))
    assert check_owners(killed, {}) == []
    assert len(check_owners(killed, {"g": "reviews"})) == 1


def test_reads_may_go_anywhere(config):
    assert check_owners(table(config), {}) == []


def test_writes_without_a_route_go_to_the_default_upstream(config):
    (problem,) = check_owners(table(config), {"g": "reviews"})
    assert "no route of the group `g` takes writes, so they go to `legacy`" in problem.message


def test_two_services_do_not_share_a_database(config):
    told = config.told("""\
routes:
- {name: a, match: {path: /a}, upstream: reviews, sync: [one]}
- {name: b, match: {path: /b}, upstream: notices, sync: [two]}
sync:
  one: {source: 'sqlite:///a', tables: [t], target: 'sqlite:///new'}
  two: {source: 'sqlite:///a', tables: [u], target: 'sqlite:///new'}
""")
    assert told == [
        "6:53 error: `one` and `two` fill one database for two upstreams (notices, reviews):"
        " give each its own, or they cannot be changed apart"
    ]


def test_one_service_may_have_several_streams(config):
    config.table("""\
routes:
- {name: a, match: {path: /a}, upstream: reviews, sync: [one, two]}
sync:
  one: {source: 'sqlite:///a', tables: [t], target: 'sqlite:///new'}
  two: {source: 'sqlite:///a', tables: [u], target: 'sqlite:///new'}
""")


def test_a_stream_leads_somewhere_else(config):
    (told,) = config.told(
        "sync:\n  one: {source: 'sqlite:///a', tables: [t], target: 'sqlite:///a'}\n"
    )
    assert "the target is the source itself" in told


def test_another_user_does_not_make_it_another_database(config):
    (told,) = config.told(
        "sync:\n  one: {source: 'postgresql://a@db/shop', tables: [t],"
        " target: 'postgres://b@DB:5432/shop'}\n"
    )
    assert "the target is the source itself" in told
