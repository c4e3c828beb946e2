def test_two_routes_of_one_name_are_an_error(config):
    told = config.told(
        "routes:\n"
        "- {name: a, match: {path: /a}, upstream: legacy}\n"
        "- {name: a, match: {path: /b}, upstream: legacy}\n"
    )
    assert told == ["3:10 error: a route on line 8 is called `a` too: rename one of the two"]


def test_a_name_that_is_another_s_group_is_an_error(config):
    told = config.told(
        "routes:\n"
        "- {name: pages, group: reviews, match: {path: /a}, upstream: legacy}\n"
        "- {name: reviews, match: {path: /b}, upstream: legacy}\n"
    )
    assert told == [
        "3:10 error: `reviews` is also the group of `pages` (line 8): write `group: reviews`"
        " if this route belongs to it, or rename it"
    ]


def test_a_route_may_have_its_group_s_name_if_it_says_so(config):
    config.table(
        "routes:\n"
        "- {name: pages, group: reviews, match: {path: /a}, upstream: legacy}\n"
        "- {name: reviews, group: reviews, match: {path: /b}, upstream: legacy}\n"
    )
