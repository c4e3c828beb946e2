import pytest

from strangler.config.model import ProxyCookie
from strangler.routing import cookie as cookie_module
from strangler.routing.cookie import ProxyCookies

KEY = b"a key of sixteen bytes or more"
RANDOM = bytes(range(16))


def cookies(**settings):
    return ProxyCookies(ProxyCookie(**settings), KEY)


def issued(**settings):
    identity, value = cookies(**settings).issue(RANDOM, False)
    return identity, value.partition(b";")[0]


def test_an_issued_cookie_verifies_elsewhere_and_again():
    identity, pair = issued()
    reader = cookies()
    assert identity == b"AAECAwQFBgcICQoLDA0ODw"
    assert reader.identity(pair) == identity
    assert reader.identity(b"a=b; " + pair + b"; c=d") == identity
    assert reader.identity(pair) == identity


def test_the_value_is_the_same_on_every_host():
    assert issued()[1] == b"strangler_id=AAECAwQFBgcICQoLDA0ODw.zYbsO1BvvB14xUhgqM7QbA"


@pytest.mark.parametrize(
    ("secure", "https", "expected"),
    [
        ("auto", True, True),
        ("auto", False, False),
        ("always", False, True),
        ("never", True, False),
    ],
)
def test_secure(secure, https, expected):
    value = cookies(secure=secure).issue(RANDOM, https)[1]
    assert value.endswith(b"; Secure") is expected


def test_attributes():
    value = cookies(name="side", max_age=60.0, same_site="Strict").issue(RANDOM, False)[1]
    assert value.startswith(b"side=")
    assert value.endswith(b"; Path=/; Max-Age=60; HttpOnly; SameSite=Strict")


def forgeries():
    identity, pair = issued()
    token = pair.partition(b"=")[2]
    yield b""
    yield b"strangler_id="
    yield b"strangler_id=" + identity
    yield pair[:-1]
    yield pair + b"A"
    yield pair.replace(b".", b"-")
    yield pair[:-1] + b"B"
    yield b"strangler_id=B" + token[1:]
    yield b"xstrangler_id=" + token
    yield b"strangler_idx=" + token
    yield b"other=strangler_id=" + token
    yield b'strangler_id="' + token + b'"'
    yield b"strangler_id=" + identity + b"." + identity
    yield b"\xff\x00" * 50


@pytest.mark.parametrize("forged", list(forgeries()))
@pytest.mark.parametrize("warm", [False, True])
def test_what_is_forged_or_cut_never_verifies(forged, warm):
    reader = cookies()
    if warm:
        assert reader.identity(issued()[1]) is not None
    assert reader.identity(forged) is None


def test_another_key_does_not_verify():
    assert ProxyCookies(ProxyCookie(), b"another key of 16 bytes").identity(issued()[1]) is None


def test_a_genuine_cookie_behind_a_forged_one_counts():
    identity, pair = issued()
    reader = cookies()
    for _ in range(2):
        assert reader.identity(b"strangler_id=forged; " + pair) == identity
        assert reader.identity(b"xstrangler_id=1; " + pair) == identity


def test_only_a_few_cookies_are_tried():
    _, pair = issued()
    assert cookies().identity(b"strangler_id=x; " * 4 + pair) is None


def test_the_memory_of_verified_cookies_is_bounded(monkeypatch):
    monkeypatch.setattr(cookie_module, "_REMEMBERED", 3)
    reader = cookies()
    pairs = [reader.issue(bytes([n]) * 16, False)[1].partition(b";")[0] for n in range(10)]
    for pair in pairs * 2:
        assert reader.identity(pair) is not None
        assert len(reader._verified) <= 3


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="16 bytes"):
        ProxyCookies(ProxyCookie(), b"short")
