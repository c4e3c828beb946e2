import pytest


@pytest.mark.parametrize(
    ("match", "rewrite"),
    [
        ("prefix: /api/v1", "strip_prefix: /api"),
        ("prefix: /api", "strip_prefix: /api/"),
        ("path: /api/x", "replace_prefix: {from: /api, to: /v2}"),
        ("template: '/api/{id}'", "strip_prefix: /api"),
        ("prefix: /api/v1", "strip_prefix: /api, replace_prefix: {from: /v1, to: /v2}"),
        ("regex: '/(a|b)/x'", "strip_prefix: /a"),
        ("prefix: /", "add_prefix: /shop"),
    ],
)
def test_rewrites_that_apply(config, match, rewrite):
    config.route(f"match: {{{match}}}, upstream: legacy, rewrite: {{{rewrite}}}")


@pytest.mark.parametrize(
    ("match", "rewrite"),
    [
        ("prefix: /api", "strip_prefix: /api/v1"),
        ("prefix: /apis", "strip_prefix: /api"),
        ("path: /a", "replace_prefix: {from: /b, to: /c}"),
        ("template: '/{x}/api'", "strip_prefix: /api"),
        ("host: a.example", "strip_prefix: /api"),
        ("prefix: /api/v1", "strip_prefix: /api, replace_prefix: {from: /api, to: /v2}"),
    ],
)
def test_rewrites_that_would_not_always_apply(config, match, rewrite):
    (told,) = config.route_told(f"match: {{{match}}}, upstream: legacy, rewrite: {{{rewrite}}}")
    assert "not every matched path begins with" in told


@pytest.mark.parametrize(
    ("match", "redirect"),
    [
        ("path: /a", "path: /a"),
        ("prefix: /a", "path: /a/b"),
        ("prefix: /a", "prefix: /a/b"),
        ("prefix: /a", "prefix: /a"),
        ("template: '/a/{x}'", "path: /a/b"),
        ("regex: '/[a-z]+'", "path: /b"),
        ("prefix: /a, host: a.example", "host: a.example"),
        ("host: a.example", "path: /b"),
    ],
)
def test_redirects_to_themselves(config, match, redirect):
    (told,) = config.route_told(f"match: {{{match}}}, redirect: {{{redirect}}}")
    assert "this leads back to the same route" in told


@pytest.mark.parametrize(
    ("match", "redirect"),
    [
        ("path: /a", "path: /a/"),
        ("prefix: /a", "prefix: /b"),
        ("prefix: /a/b", "prefix: /a"),
        ("prefix: /a, host: a.example", "host: b.example"),
        ("path: /a, query: {x: 1}", "path: /a, keep_query: false"),
        ("prefix: /, headers: {X-Forwarded-Proto: http}", "scheme: https"),
    ],
)
def test_redirects_that_lead_away(config, match, redirect):
    config.route(f"match: {{{match}}}, redirect: {{{redirect}}}")
    assert config.route_told(f"match: {{{match}}}, redirect: {{{redirect}}}") == []


def test_a_new_prefix_needs_an_old_one(config):
    (told,) = config.route_told("match: {path: /a}, redirect: {prefix: /b}")
    assert "a new prefix replaces the matched one" in told


def test_a_new_scheme_for_everybody_is_probably_a_loop(config):
    (told,) = config.route_told("match: {prefix: /}, redirect: {scheme: https}")
    assert "warning: requests that came by this scheme already" in told
