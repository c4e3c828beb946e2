import pytest


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("set: {Host: a}", "`Host` is written by the gateway itself: set `host:` on the upstream"),
        ("remove: [content-length]", "is written by the gateway itself: leave it out"),
        ("add: {X_A: 1}", "is not a header's name"),
        ('set: {X-A: "a\\nb"}', "no line breaks"),
        ("set: {X-A: '€'}", "printable characters of Latin-1"),
        ("set: {X-A: ' a'}", "no blanks around it"),
        ("drop: [X-A]", "is not a key of `request_headers`"),
    ],
)
def test_what_rules_must_not_do(config, rules, message):
    (told,) = config.route_told(
        f"match: {{path: /a}}, upstream: legacy, request_headers: {{{rules}}}"
    )
    assert message in told


def test_an_empty_value_is_a_value(config):
    route = config.route("match: {path: /a}, upstream: legacy, response_headers: {set: {X-A: ''}}")
    assert route.response_headers.set == (("X-A", ""),)
