from strangler.config.model import Force, Group, IdentityKind, IdentitySource


def test_a_route_without_a_group_is_one_of_its_own(config):
    table = config.table("routes:\n- {name: a, match: {path: /a}, upstream: legacy}\n")
    assert table.groups == {"a": Group("a", salt="a")}


def test_what_a_route_says_counts_for_its_group(config):
    table = config.table(
        "groups:\n"
        "  g: {force: {header: X-Side}, salt: pepper}\n"
        "routes:\n"
        "- {name: a, group: g, match: {path: /a}, upstream: legacy, allow: [x], kill: true}\n"
        "- {name: b, group: g, match: {path: /b}, upstream: legacy, identity: [client_ip]}\n"
    )
    assert table.groups["g"] == Group(
        "g",
        salt="pepper",
        identity=(IdentitySource(IdentityKind.CLIENT_IP),),
        allow=frozenset({"x"}),
        force=Force(header="X-Side"),
        kill=True,
    )


def test_the_old_side_of_a_group_is_that_of_its_routes(config):
    table = config.table(
        "groups: {g: {old: notices}}\n"
        "routes:\n"
        "- {name: a, group: g, match: {path: /a}, split: {reviews: 1, notices: 99}}\n"
        "- {name: b, match: {path: /b}, upstream: reviews}\n"
    )
    assert [route.old for route in table.routes] == ["notices", "legacy"]


def test_two_places_that_say_different_things_contradict_each_other(config):
    told = config.told(
        "groups: {g: {kill: true}}\n"
        "routes:\n"
        "- {name: a, group: g, match: {path: /a}, upstream: legacy, kill: false}\n"
        "- {name: b, group: g, match: {path: /b}, upstream: legacy, kill: true}\n"
    )
    assert told == [
        "3:66 error: `kill` of the group `g` is something else on line 7: routes of a group move"
        " together, so say it once, best under `groups:`"
    ]


def test_a_group_that_no_route_names_is_a_mistake(config):
    told = config.told(
        "groups: {reveiws: {kill: true}}\n"
        "routes:\n- {name: a, group: reviews, match: {path: /a}, upstream: legacy}\n"
    )
    assert told == [
        "1:19 error: no route belongs to the group `reveiws` (did you mean `reviews`?):"
        " write `group: reveiws` on its routes, or remove it"
    ]


def test_a_group_of_a_broken_route_is_not_unused(config):
    told = config.told(
        "groups: {g: {kill: true}}\n"
        "routes:\n- {name: a, group: g, match: {path: a}, upstream: legacy}\n"
    )
    assert len(told) == 1
