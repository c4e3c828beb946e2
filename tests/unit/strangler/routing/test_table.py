import pytest

from strangler.config.model import Match, PathKind, Redirect, Rewrite, Route, Split, ValueMatch
from strangler.routing.table import AMBIGUOUS, NO_ROUTE, RoutingTable

EXACT, PREFIX, TEMPLATE, REGEX = (
    PathKind.EXACT,
    PathKind.PREFIX,
    PathKind.TEMPLATE,
    PathKind.REGEX,
)


def route(match, name="r", **parts):
    action = parts.pop("action", Split((("new", 10000),)))
    return Route(name, match, action, name, "legacy", **parts)


def table(*matches):
    return RoutingTable([route(match, f"r{index}") for index, match in enumerate(matches)])


def match(routes, path=b"/", *, method=b"GET", host=b"shop.test", query=b"", headers=()):
    return routes.match(method, host, path, query, list(headers))


@pytest.mark.parametrize(
    ("prefix", "path", "matches"),
    [
        ("/abc", b"/abc", True),
        ("/abc", b"/abc/", True),
        ("/abc", b"/abc/def", True),
        ("/abc", b"/abcd", False),
        ("/abc", b"/ab", False),
        ("/abc", b"/ABC", False),
        ("/abc", b"/x/abc", False),
        ("/abc/", b"/abc", True),
        ("/abc/", b"/abc/d", True),
        ("/", b"/", True),
        ("/", b"/anything", True),
        ("/", b"*", False),
        ("/caf\u00e9", b"/caf%C3%A9/menu", True),
        ("/caf%C3%A9", b"/caf%c3%a9", True),
        ("/a b", b"/a%20b", True),
        ("/users/@me", b"/users/%40me", True),
        ("/a%2Fb", b"/a/b", False),
    ],
)
def test_prefixes_match_by_segment(prefix, path, matches):
    assert match(table(Match(PREFIX, prefix)), path) == (0 if matches else NO_ROUTE)


@pytest.mark.parametrize(
    ("template", "path", "matches"),
    [
        ("/r/{id}", b"/r/5", True),
        ("/r/{id}", b"/r/", False),
        ("/r/{id}", b"/r", False),
        ("/r/{id}", b"/r/5/6", False),
        ("/r/{id}/", b"/r/5/", True),
        ("/r/{id}/", b"/r/5", False),
        ("/{a}/x/{b}", b"/1/x/2", True),
        ("/{a}", b"/1", True),
        ("/{a}", b"/", False),
        ("/plain", b"/plain", True),
    ],
)
def test_templates_match_whole_segments(template, path, matches):
    assert match(table(Match(TEMPLATE, template)), path) == (0 if matches else NO_ROUTE)


@pytest.mark.parametrize(
    ("regex", "path", "matches"),
    [
        (r"/r/\d+", b"/r/55", True),
        (r"/r/\d+", b"/r/55/x", False),
        (r"/caf\w", b"/caf%C3%A9", True),
        (r"/admin/.*", b"/admin/%0A", True),
        (r"/.+", b"/%FF%FE", True),
    ],
)
def test_regexes_match_the_whole_path(regex, path, matches):
    assert match(table(Match(REGEX, regex)), path) == (0 if matches else NO_ROUTE)


def test_kinds_of_path_come_in_order():
    routes = table(
        Match(),
        Match(REGEX, "/a/.*"),
        Match(PREFIX, "/a"),
        Match(PREFIX, "/a/b"),
        Match(TEMPLATE, "/a/{x}/c"),
        Match(TEMPLATE, "/a/b/{x}"),
        Match(EXACT, "/a/b/c"),
    )
    assert match(routes, b"/a/b/c") == 6
    assert match(routes, b"/a/b/d") == 5
    assert match(routes, b"/a/x/c") == 4
    assert match(routes, b"/a/b") == 3
    assert match(routes, b"/a/x") == 2
    assert match(routes, b"/") == 0


def test_a_regex_comes_before_any_path_and_in_file_order():
    routes = table(Match(), Match(REGEX, "/a.*"), Match(REGEX, "/ab", methods=frozenset({"GET"})))
    assert match(routes, b"/ab") == 1
    assert match(routes, b"/b") == 0


def test_templates_with_more_text_come_first_then_text_further_left():
    routes = table(
        Match(TEMPLATE, "/{a}/{b}/{c}"),
        Match(TEMPLATE, "/{a}/y/{c}"),
        Match(TEMPLATE, "/x/{b}/{c}"),
        Match(TEMPLATE, "/{a}/y/z"),
    )
    assert match(routes, b"/x/y/z") == 3
    assert match(routes, b"/x/y/1") == 2
    assert match(routes, b"/1/y/1") == 1
    assert match(routes, b"/1/2/3") == 0


def test_parameter_names_make_no_difference():
    routes = table(Match(TEMPLATE, "/x/{a}"), Match(TEMPLATE, "/x/{b}", methods=frozenset({"GET"})))
    assert match(routes, b"/x/1") == 1
    assert match(routes, b"/x/1", method=b"POST") == 0


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (b"shop.test", 3),
        (b"SHOP.test:8080", 3),
        (b"shop.test.", 3),
        (b"shop.test.:80", 3),
        (b"a.eu.shop.test", 2),
        (b"a.shop.test", 1),
        (b"other.test", 0),
        (b"xshop.test", 0),
        (b"[::1]:8080", 4),
        (b"[0:0::1]", 4),
        (b"[::2]", 0),
        (b"[nonsense", 0),
        (b"", 0),
    ],
)
def test_hosts_from_exact_to_any(host, expected):
    routes = table(
        Match(),
        Match(host="*.shop.test"),
        Match(host="*.eu.shop.test"),
        Match(host="Shop.test"),
        Match(host="[::1]"),
    )
    assert match(routes, host=host) == expected
    assert match(routes, host=host) == expected


def test_a_host_comes_before_a_longer_path():
    routes = table(Match(EXACT, "/a/b"), Match(PREFIX, "/", host="shop.test"))
    assert match(routes, b"/a/b") == 1
    assert match(routes, b"/a/b", host=b"else.test") == 0


def test_a_table_without_a_route_for_the_host():
    routes = table(Match(host="shop.test"))
    assert match(routes, host=b"else.test") == NO_ROUTE
    assert match(routes, host=b"a." * 4000) == NO_ROUTE


def test_methods_and_conditions_rank_within_a_path():
    header = (ValueMatch("X-Tenant", exact="acme"),)
    query = (ValueMatch("beta", present=True),)
    cookie = (ValueMatch("side", regex="n.*"),)
    routes = table(
        Match(),
        Match(cookies=cookie),
        Match(query=query),
        Match(headers=header),
        Match(methods=frozenset({"POST"})),
    )
    everything = {
        "query": b"beta",
        "headers": [(b"x-tenant", b"acme"), (b"cookie", b"a=b; side=new")],
    }
    assert match(routes, method=b"POST", **everything) == 4
    assert match(routes, **everything) == 3
    assert match(routes, query=b"a=1&beta=", headers=everything["headers"][1:]) == 2
    assert match(routes, headers=everything["headers"][1:]) == 1
    assert match(routes, headers=[(b"cookie", b"side=old")]) == 0


def test_get_takes_head_and_nothing_else():
    routes = table(Match(methods=frozenset({"GET"})), Match(methods=frozenset({"PUT"})))
    assert match(routes, method=b"HEAD") == 0
    assert match(routes, method=b"PUT") == 1
    assert match(routes, method=b"get") == NO_ROUTE
    assert match(routes, method=b"POST") == NO_ROUTE


def test_a_failed_condition_gives_way_to_the_next_across_kinds_and_hosts():
    post = frozenset({"POST"})
    routes = table(
        Match(EXACT, "/a/b", host="shop.test", methods=post),
        Match(TEMPLATE, "/a/{x}", host="shop.test", methods=post),
        Match(PREFIX, "/a/b", host="*.test", methods=post),
        Match(REGEX, "/a.*", methods=post),
        Match(PREFIX, "/a"),
    )
    assert match(routes, b"/a/b") == 4
    assert match(routes, b"/a/b", method=b"POST") == 0


def test_a_shorter_prefix_takes_what_a_longer_one_refuses():
    routes = table(
        Match(PREFIX, "/a/b/c", methods=frozenset({"POST"})),
        Match(PREFIX, "/a/b", methods=frozenset({"PUT"})),
        Match(PREFIX, "/a"),
    )
    assert match(routes, b"/a/b/c/d") == 2
    assert match(routes, b"/a/b/c/d", method=b"PUT") == 1


def test_file_order_settles_what_is_left():
    assert match(table(Match(PREFIX, "/a/"), Match(PREFIX, "/a")), b"/a") == 0


@pytest.mark.parametrize(
    "path",
    [
        b"/public/../admin",
        b"/public/%2e%2e/admin",
        b"/public/..%2fadmin",
        b"/public/..%5cadmin",
        b"/public/..\\admin",
        b"/public/..;/admin",
        b"/public/..;a=b/admin",
        b"/public/..%3b/admin",
        b"//admin",
        b"/./admin",
        b"/%2Fadmin",
        b"/\\admin",
        b"/admin;x",
        b"/admin;x/users",
        b"/admin%2Fusers",
        b"/admin%5Cusers",
        b"/x/..//admin",
        b"/admin/..",
        b"/admin%00",
        b"/public/%00",
        b"/public#/admin",
    ],
)
def test_no_path_dodges_a_route(path):
    routes = table(Match(PREFIX, "/public"), Match(PREFIX, "/admin"))
    assert match(routes, path) in {AMBIGUOUS, 1}
    if path not in {b"/admin%2Fusers", b"/admin%5Cusers", b"/admin;x/users"}:
        assert match(routes, path) == AMBIGUOUS


@pytest.mark.parametrize(
    "path",
    [
        b"/public//x",
        b"/public/a%2Fb",
        b"/public/a/../b",
        b"/public/a;v=1",
        b"/public/a\\b",
        b"/public/%61",
        b"/public/a%252F..%252Fadmin",
        b"/%70ublic/x",
    ],
)
def test_readings_that_agree_are_let_through(path):
    assert match(table(Match(PREFIX, "/public"), Match(PREFIX, "/admin")), path) == 0


def test_readings_may_agree_on_no_route():
    assert match(table(Match(PREFIX, "/admin")), b"/a//b/../c") == NO_ROUTE


def test_a_decoded_slash_does_not_fit_into_a_template():
    assert match(table(Match(TEMPLATE, "/files/{name}")), b"/files/a%2Fb") == AMBIGUOUS
    assert match(table(Match(PREFIX, "/files")), b"/files/a%2Fb") == 0


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"/api/a%2Fb", 0),
        (b"/api//a", 0),
        (b"/api/a/../b", AMBIGUOUS),
        (b"/api/..%2fb", AMBIGUOUS),
        (b"//api/x", AMBIGUOUS),
        (b"/x", 0),
    ],
)
def test_a_rewrite_needs_one_meaning_for_all_readings(path, expected):
    rewrites = Rewrite(strip_prefix="/api", add_prefix="/base")
    routes = RoutingTable([route(Match(PREFIX, "/"), rewrite=rewrites)])
    assert match(routes, path) == expected


def test_a_redirect_that_replaces_the_prefix_needs_it_too():
    routes = RoutingTable([route(Match(PREFIX, "/old"), action=Redirect(prefix="/new"))])
    assert match(routes, b"/old/a/..//b") == AMBIGUOUS
    assert match(routes, b"/old//b") == 0


def test_explain_names_the_first_condition_that_fails():
    routes = table(
        Match(PREFIX, "/a"),
        Match(PREFIX, "/a/b", methods=frozenset({"POST", "PUT"})),
        Match(EXACT, "/else"),
        Match(host="*.shop.test"),
        Match(headers=(ValueMatch("x-tenant", exact="acme"),)),
        Match(query=(ValueMatch("beta", present=True),)),
        Match(cookies=(ValueMatch("side", regex="n.*"),)),
        Match(headers=(ValueMatch("accept", present=False),)),
        Match(),
        Match(TEMPLATE, "/{x}"),
        Match(REGEX, "/x.*"),
    )
    considered = routes.explain(b"GET", b"shop.test", b"/a/b", b"", [(b"accept", b"*/*")])
    assert [entry.route for entry in considered] == list(range(11))
    assert [entry.reason for entry in considered] == [
        "matches",
        "the method is not one of POST, PUT",
        "the path is not /else",
        "the host is not *.shop.test",
        "the header x-tenant is not 'acme'",
        "the query parameter beta is missing",
        "the cookie side does not match the regex n.*",
        "the header accept is present",
        "matches too, but r0 comes first by precedence",
        "the path is not like /{x}",
        "the path does not match the regex /x.*",
    ]


def test_explain_says_that_a_path_is_ambiguous():
    routes = table(Match(PREFIX, "/a"), Match(PREFIX, "/b"), Match(PREFIX, "/c"))
    reasons = [entry.reason for entry in routes.explain(b"GET", b"h", b"/a/../b", b"", [])]
    ambiguous = "the path can be read in ways that lead to different routes"
    assert reasons == [ambiguous, ambiguous, "the path is not under /c"]


def test_every_host_is_remembered_within_bounds():
    routes = table(Match(host="*.shop.test"))
    for number in range(3000):
        assert match(routes, host=b"h%d.shop.test" % number) == 0
    assert len(routes._levels) <= 1024
