import pytest

from strangler.config.model import Match, PathKind, Redirect
from strangler.routing.redirect import CompiledRedirect

OLD = Match(PathKind.PREFIX, "/old")


def location(redirect, path=b"/old/a", query=b"", *, https=False, host=b"shop.test:8080"):
    return CompiledRedirect(redirect, OLD).location(https=https, host=host, path=path, query=query)


@pytest.mark.parametrize(
    ("redirect", "expected"),
    [
        (Redirect(path="/new"), b"/new?q=1"),
        (Redirect(path="/new", keep_query=False), b"/new"),
        (Redirect(path="/new?x=y"), b"/new?x=y&q=1"),
        (Redirect(path="/caf\u00e9 #"), b"/caf%C3%A9%20%23?q=1"),
        (Redirect(prefix="/new"), b"/new/a?q=1"),
        (Redirect(prefix="/"), b"/a?q=1"),
        (Redirect(host="www.test"), b"http://www.test/old/a?q=1"),
        (Redirect(host="www.test:81"), b"http://www.test:81/old/a?q=1"),
        (Redirect(host="m\u00fcller.test"), b"http://xn--mller-kva.test/old/a?q=1"),
        (Redirect(scheme="https"), b"https://shop.test/old/a?q=1"),
        (Redirect(scheme="HTTP"), b"http://shop.test:8080/old/a?q=1"),
        (Redirect(scheme="https", host="w.test", path="/"), b"https://w.test/?q=1"),
    ],
)
def test_location(redirect, expected):
    assert location(redirect, query=b"q=1") == expected


def test_the_scheme_is_kept_where_none_is_named():
    assert location(Redirect(host="www.test"), https=True) == b"https://www.test/old/a"


@pytest.mark.parametrize(
    ("redirect", "path", "expected"),
    [
        (Redirect(prefix="/"), b"/old//evil.test", b"/evil.test"),
        (Redirect(prefix="/"), b"/old/\\evil.test", b"/evil.test"),
        (Redirect(prefix="/"), b"/old/a\r\nSet-Cookie: x", b"/a%0D%0ASet-Cookie:%20x"),
        (Redirect(prefix="/n"), b"/old/\xff\"<>'\\", b"/n/%FF%22%3C%3E'%5C"),
        (Redirect(), b"//evil.test", b"/evil.test"),
        (Redirect(prefix="/n"), b"/old/a%2Fb", b"/n/a%2Fb"),
    ],
)
def test_no_request_makes_another_header_or_host(redirect, path, expected):
    assert location(redirect, path) == expected


@pytest.mark.parametrize("host", [b"", b"evil.test/x", b"a b", b"a@b", b"a\r\nb"])
def test_a_host_that_cannot_be_one_is_not_repeated(host):
    assert location(Redirect(scheme="https"), host=host) == b"/old/a"


def test_a_prefix_needs_a_match_by_prefix():
    with pytest.raises(ValueError, match="prefix"):
        CompiledRedirect(Redirect(prefix="/new"), Match(PathKind.EXACT, "/old"))


def test_the_status_is_at_hand():
    assert CompiledRedirect(Redirect(301, path="/"), OLD).status == 301
