import pytest

from strangler.config.model import Match, PathKind, Redirect, Respond, Rewrite, Route
from strangler.routing.rewrite import CompiledRewrite, route_rewrite

STRIP = Rewrite(strip_prefix="/api")
REPLACE = Rewrite(replace_prefix=("/api/v1", "/v2"))
ADD = Rewrite(add_prefix="/base/")
ALL = Rewrite("/api", ("/v1", "/v2"), "/base")
PUBLIC = b"https://shop.test"
INNER = (b"http://10.0.0.5:8000", b"http://reviews:80")


@pytest.mark.parametrize(
    ("rewrite", "path", "sent"),
    [
        (STRIP, b"/api/reviews/5", b"/reviews/5"),
        (STRIP, b"/api", b"/"),
        (STRIP, b"/api/", b"/"),
        (STRIP, b"/apis", b"/apis"),
        (STRIP, b"/x/api", b"/x/api"),
        (STRIP, b"/api//evil.test/x", b"/evil.test/x"),
        (STRIP, b"/api/\\evil.test", b"/evil.test"),
        (STRIP, b"/%61pi/a%2Fb%20c", b"/a%2Fb%20c"),
        (STRIP, b"/%61pi", b"/"),
        (STRIP, b"/api%2Fx", b"/api%2Fx"),
        (REPLACE, b"/api/v1/x", b"/v2/x"),
        (REPLACE, b"/api/v1", b"/v2"),
        (REPLACE, b"/api/v1/", b"/v2/"),
        (REPLACE, b"/api/v11", b"/api/v11"),
        (Rewrite(replace_prefix=("/api", "/")), b"/api/x", b"/x"),
        (Rewrite(replace_prefix=("/", "/base")), b"/x", b"/base/x"),
        (ADD, b"/x", b"/base/x"),
        (ADD, b"/", b"/base/"),
        (Rewrite(add_prefix="/caf\u00e9 %20"), b"/x", b"/caf%C3%A9%20%20/x"),
        (Rewrite(strip_prefix="/caf\u00e9"), b"/caf%c3%A9/x", b"/x"),
        (ALL, b"/api/v1/x", b"/base/v2/x"),
        (ALL, b"/api/x", b"/base/x"),
        (Rewrite(), b"/x", b"/x"),
    ],
)
def test_path(rewrite, path, sent):
    assert CompiledRewrite(rewrite).path(path) == sent


@pytest.mark.parametrize(
    ("rewrite", "value", "seen"),
    [
        (Rewrite(), b"/login", b"/login"),
        (Rewrite(), b"http://10.0.0.5:8000/login", b"https://shop.test/login"),
        (Rewrite(), b"http://10.0.0.5:8000", b"https://shop.test"),
        (STRIP, b"/login?next=/x#y", b"/api/login?next=/x#y"),
        (STRIP, b"/", b"/api/"),
        (STRIP, b"http://10.0.0.5:8000/login", b"https://shop.test/api/login"),
        (STRIP, b"HTTP://10.0.0.5:8000?a=b", b"https://shop.test/api/?a=b"),
        (STRIP, b"http://reviews/x", b"https://shop.test/api/x"),
        (STRIP, b"http://REVIEWS:80/x", b"https://shop.test/api/x"),
        (STRIP, b"https://shop.test/x", b"https://shop.test/api/x"),
        (STRIP, b"//10.0.0.5:8000/x", b"https://shop.test/api/x"),
        (STRIP, b"https://10.0.0.5:8000/x", b"https://10.0.0.5:8000/x"),
        (STRIP, b"http://10.0.0.5:8001/x", b"http://10.0.0.5:8001/x"),
        (STRIP, b"http://else.test/x", b"http://else.test/x"),
        (STRIP, b"//else.test/x", b"//else.test/x"),
        (STRIP, b"http://me@10.0.0.5:8000/x", b"http://me@10.0.0.5:8000/x"),
        (STRIP, b"http://10.0.0.5:8000\\x", b"http://10.0.0.5:8000\\x"),
        (STRIP, b"next", b"next"),
        (STRIP, b"../up", b"../up"),
        (STRIP, b"?page=2", b"?page=2"),
        (STRIP, b"", b""),
        (STRIP, b"mailto:a@b", b"mailto:a@b"),
        (REPLACE, b"/v2/x", b"/api/v1/x"),
        (REPLACE, b"/login", b"/login"),
        (ADD, b"/base/x", b"/x"),
        (ADD, b"/base", b"/"),
        (ADD, b"/else", b"/else"),
        (ADD, b"/base//evil.test", b"/evil.test"),
        (ADD, b"/base/\\evil.test", b"/evil.test"),
        (ALL, b"/base/v2/x", b"/api/v1/x"),
        (ALL, b"/v2/x", b"/v2/x"),
    ],
)
def test_location(rewrite, value, seen):
    compiled = CompiledRewrite(rewrite)
    assert compiled.location(value, upstream_origins=INNER, public_origin=PUBLIC) == seen


def test_without_a_public_origin_a_location_is_a_path():
    compiled = CompiledRewrite(STRIP)
    assert (
        compiled.location(INNER[0] + b"/x", upstream_origins=INNER, public_origin=b"") == b"/api/x"
    )


@pytest.mark.parametrize(
    ("rewrite", "value", "seen"),
    [
        (STRIP, b"a=b", b"a=b"),
        (STRIP, b"a=b; Path=/; HttpOnly", b"a=b; Path=/api; HttpOnly"),
        (STRIP, b"a=b; path=/x;Secure", b"a=b; path=/api/x;Secure"),
        (STRIP, b"a=b; Path=", b"a=b; Path="),
        (STRIP, b"a=Path=/; Max-Age=1", b"a=Path=/; Max-Age=1"),
        (STRIP, b"__Host-a=b; Path=/; Secure", b"__Host-a=b; Path=/; Secure"),
        (ADD, b"a=b; Path=/", b"a=b; Path=/"),
        (ADD, b"a=b; Path=/base", b"a=b; Path=/"),
        (ADD, b"a=b; Path=/base/x", b"a=b; Path=/x"),
        (REPLACE, b"a=b; Path=/v2", b"a=b; Path=/api/v1"),
        (Rewrite(), b"a=b; Path=/", b"a=b; Path=/"),
    ],
)
def test_cookie_paths(rewrite, value, seen):
    assert CompiledRewrite(rewrite).set_cookie(value) == seen


def test_a_domain_of_an_upstream_is_dropped():
    compiled = CompiledRewrite(Rewrite())
    value = b"a=b; Domain=.Reviews; Path=/"
    assert compiled.set_cookie(value, upstream_hosts={b"reviews"}) == b"a=b; Path=/"
    assert compiled.set_cookie(value, upstream_hosts={b"else"}) == value


@pytest.mark.parametrize(
    ("readings", "clear"),
    [
        ([b"/api/x"], True),
        ([b"/api//x", b"/api/x"], True),
        ([b"/api/../x", b"/x"], False),
        ([b"//api/x", b"/api/x"], False),
        ([b"/y//x", b"/y/x"], True),
        ([b"/api/..x"], True),
    ],
)
def test_a_rewrite_is_clear_if_all_readings_have_the_prefix_or_none(readings, clear):
    assert CompiledRewrite(STRIP).is_clear(readings) is clear


def test_which_routes_rewrite():
    def route(action, kind=PathKind.PREFIX, **parts):
        return Route("r", Match(kind, "/old"), action, "r", "legacy", **parts)

    assert route_rewrite(route(Respond(410))) is None
    assert route_rewrite(route(Redirect(path="/x"))) is None
    assert route_rewrite(route(Redirect(prefix="/x"), PathKind.EXACT)) is None
    assert route_rewrite(route(Redirect(prefix="/new"))).path(b"/old/a") == b"/new/a"
    assert route_rewrite(route(Respond(410), rewrite=STRIP)).path(b"/api/a") == b"/a"
