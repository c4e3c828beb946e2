import pytest

from strangler.config.model import Match, PathKind, ValueMatch


def match(config, text):
    return config.route(f"match: {{{text}}}, upstream: legacy").match


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path: /a", Match(PathKind.EXACT, "/a")),
        ("prefix: /a/", Match(PathKind.PREFIX, "/a/")),
        ("template: '/a/{id}'", Match(PathKind.TEMPLATE, "/a/{id}")),
        ("regex: '/a/[0-9]+'", Match(PathKind.REGEX, "/a/[0-9]+")),
        ("host: Shop.Example.com", Match(host="shop.example.com")),
        ("host: '*.example.com'", Match(host="*.example.com")),
        ("methods: [GET, POST]", Match(methods=frozenset({"GET", "POST"}))),
        ("headers: {X-A: 1}", Match(headers=(ValueMatch("x-a", exact="1"),))),
        ("query: {q: {present: true}}", Match(query=(ValueMatch("q", present=True),))),
        ("cookies: {C: {regex: 'a+'}}", Match(cookies=(ValueMatch("C", regex="a+"),))),
    ],
)
def test_matches(config, text, expected):
    assert match(config, text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty match takes every request"),
        ("path: /a, prefix: /b", "a match has one of"),
        ("methods: [get]", "`get` is not in capitals: write `GET`"),
        ("methods: [CONNECT]", "`CONNECT` is never routed"),
        ("methods: [PSOT]", "(did you mean `POST`?)"),
        ("methods: []", "the list of methods is empty"),
        ("host: 'http://a'", "without scheme and port"),
        ("host: 'a:80'", "without scheme and port"),
        ("host: '[:::]'", "without scheme and port"),
        ("path: '/a;v=1'", "servers read in two ways"),
        ("prefix: /a%3Bv", "servers read in two ways"),
        ("headers: {X_A: 1}", "names with `_` are dropped"),
        ("headers: {A: {regex: a, present: true}}", "write one of"),
        ("headers: {A: {}}", "write one of"),
        ("headers: {A: [1]}", "found a list"),
        ("query: {a: {regex: '('}}", "does not compile"),
    ],
)
def test_what_is_no_match(config, text, message):
    (told,) = config.route_told(f"match: {{{text}}}, upstream: legacy")
    assert message in told
