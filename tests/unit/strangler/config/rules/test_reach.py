import pytest


def routes(*matches):
    lines = [f"- {{name: r{n}, match: {{{m}}}, upstream: legacy}}" for n, m in enumerate(matches)]
    return "routes:\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "matches",
    [
        ("path: /a", "path: /a"),
        ("path: /a%62", "path: /ab"),
        ("prefix: /a", "prefix: /a/"),
        ("template: '/a/{x}'", "template: '/a/{y}'"),
        ("regex: /a.c", "regex: /a.c"),
        ("path: /a, host: A.example", "path: /a, host: a.example"),
        ("path: /a, methods: [GET, POST]", "path: /a, methods: [GET]"),
        ("path: /a, methods: [GET]", "path: /a, methods: [HEAD]"),
        ("path: /a, headers: {X: 1}", "path: /a, headers: {X: 1}"),
        ("path: /a, headers: {X: 1, Y: 2}", "path: /a, headers: {y: 2, x: 1}"),
        ("path: /a, headers: {X: {present: true}}", "path: /a, headers: {X: 1}"),
        ("path: /a, query: {X: {present: true}}", "path: /a, query: {X: {regex: b+}}"),
        ("prefix: /a", "regex: '/a/[0-9]+'"),
        ("prefix: /", "regex: '/a/[0-9]+'"),
        ("prefix: /a", "regex: /a"),
        ("prefix: /", "host: a.example", "host: a.example, prefix: /", "methods: [GET]"),
    ],
)
def test_a_route_that_no_request_reaches(config, matches):
    told = [line for line in config.told(routes(*matches)) if "no request reaches" in line]
    assert len(told) >= 1


def test_prefixes_come_before_regexes_wherever_they_stand(config):
    (told,) = config.told(routes("regex: '/a/[0-9]+'", "prefix: /a"))
    assert told.startswith("2:21 error: no request reaches this route: `r1` (line 9) takes all")


def test_several_routes_together_can_take_everything(config):
    (told,) = config.told(
        routes(
            "path: /a, methods: [GET]",
            "path: /a, methods: [POST]",
            "path: /a, methods: [POST, GET]",
        )
    )
    assert "`r0` (line 8) and `r1` (line 9) take all of them before it" in told


@pytest.mark.parametrize(
    "matches",
    [
        ("path: /a", "prefix: /a"),
        ("prefix: /a", "path: /a"),
        ("prefix: /a", "prefix: /a/b"),
        ("prefix: /a/b", "prefix: /a"),
        ("path: /a", "path: /a/"),
        ("template: '/a/{x}'", "template: '/{x}/a'"),
        ("template: '/{x}/{y}'", "template: '/a/{y}'"),
        ("path: /a", "path: /a, methods: [GET]"),
        ("path: /a, methods: [GET]", "path: /a"),
        ("path: /a, methods: [GET]", "path: /a, methods: [GET, POST]"),
        ("path: /a", "path: /a, headers: {X: 1}"),
        ("path: /a, headers: {X: 1}", "path: /a, headers: {X: {present: true}}"),
        ("path: /a, headers: {X: 1}", "path: /a, headers: {X: 2}"),
        ("path: /a, headers: {X: 1}", "path: /a, query: {X: 1}"),
        ("path: /a", "path: /a, host: a.example"),
        ("path: /a, host: '*.example'", "path: /a, host: a.example"),
        ("prefix: /a", "regex: /a.*"),
        ("prefix: /a/b", "regex: '/a/[a-z]+'"),
        ("prefix: /a", "regex: '(?i)/a/b'"),
        ("prefix: /a", "regex: /a|/b"),
        ("prefix: /a, methods: [GET]", "regex: /a/b"),
        ("prefix: /a, headers: {X: 1}", "regex: /a/b"),
        ("prefix: /a, host: a.example", "regex: /a/b"),
        ("regex: /a/b", "path: /a/b"),
    ],
)
def test_no_false_alarm(config, matches):
    config.table(routes(*matches))
