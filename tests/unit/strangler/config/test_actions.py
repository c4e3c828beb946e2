import pytest

from strangler.config.model import Redirect, Respond, Split


def action(config, text):
    return config.route(f"match: {{prefix: /old}}, {text}").action


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("upstream: reviews", Split((("reviews", 10_000),))),
        ("split: {reviews: 12.5, legacy: 87.50}", Split((("reviews", 1250), ("legacy", 8750)))),
        (
            "split: {legacy: 33.33, reviews: 33.33, notices: 33.34}",
            Split((("legacy", 3333), ("reviews", 3333), ("notices", 3334))),
        ),
        ("redirect: {path: /new}", Redirect(path="/new")),
        (
            "redirect: {status: 302, scheme: https, host: 'a:8443', prefix: /new,"
            " keep_query: false}",
            Redirect(302, "https", "a:8443", None, "/new", keep_query=False),
        ),
        ("respond: {status: 410}", Respond(410)),
        (
            "respond: {status: 503, body: '{}', content_type: application/json}",
            Respond(503, "{}", "application/json"),
        ),
    ],
)
def test_actions(config, text, expected):
    assert action(config, text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("split: {reviews: 10, legacy: 80}", "sum to 90: add 10,"),
        ("split: {reviews: 10.01, legacy: 90}", "sum to 100.01: take away 0.01,"),
        ("split: {}", "`split` is empty"),
        ("split: reviews", "`split` is a mapping"),
        ("split: {nope: 100}", "is not the name of an upstream"),
        ("redirect: {}", "nothing changes"),
        ("redirect: {path: /a, prefix: /b}", "keep one"),
        ("redirect: {path: /a, status: 200}", "no status of a redirect"),
        ("redirect: {scheme: ftp}", "write `http` or `https`"),
        ("redirect: {host: 'https://a'}", "without a scheme"),
        ("respond: {}", "`status` is missing"),
        ("respond: {status: 99}", "from 200 to 599"),
        ("respond: {status: 100}", "from 200 to 599"),
        ("respond: {status: 204, body: x}", "has no body"),
        ("redirect: {host: '::1'}", "without a scheme"),
        ("redirect: {host: 'a:99999'}", "without a scheme"),
        ("upstream: legacy, respond: {status: 410}", "a route does one thing"),
        ("owner: me", "this route does nothing"),
    ],
)
def test_what_is_no_action(config, text, message):
    (told,) = config.route_told(f"match: {{prefix: /old}}, {text}")
    assert message in told
