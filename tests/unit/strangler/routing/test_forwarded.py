import pytest

from strangler.routing import forwarded
from strangler.routing.forwarded import (
    Forwarding,
    Origin,
    TrustedProxies,
    address_of,
    client_address,
)

PROXY, CLIENT = b"10.0.0.1", b"192.0.2.7"
TRUSTED = Forwarding(["10.0.0.0/8", "fd00::/8"], port=8080)


@pytest.mark.parametrize(
    ("node", "address"),
    [
        (b"192.0.2.7", b"192.0.2.7"),
        (b" 192.0.2.7:4711 ", b"192.0.2.7"),
        (b'"[2001:DB8::1]:80"', b"2001:db8::1"),
        (b"[::1]", b"::1"),
        (b"2001:db8:0::1", b"2001:db8::1"),
        (b"::ffff:192.0.2.7", b"192.0.2.7"),
        (b"unknown", None),
        (b"_hidden", None),
        (b"999.1.1.1", None),
        (b"1.2.3", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_address_of(node, address):
    assert address_of(node) == address


def test_trusted_networks():
    proxies = TrustedProxies(["10.0.0.0/8", "fd00::/8", "192.0.2.1"])
    assert proxies.trusts(b"10.1.2.3")
    assert proxies.trusts(b"::ffff:10.1.2.3")
    assert proxies.trusts(b"fd00::1")
    assert proxies.trusts(b"192.0.2.1")
    assert not proxies.trusts(b"192.0.2.2")
    assert not proxies.trusts(b"unknown")
    assert not TrustedProxies([]).trusts(b"10.1.2.3")


def test_a_network_that_is_none_is_refused():
    with pytest.raises(ValueError):
        TrustedProxies(["10.0.0.0/64"])


def test_the_memory_of_addresses_is_bounded(monkeypatch):
    monkeypatch.setattr(forwarded, "_REMEMBERED", 3)
    proxies = TrustedProxies(["10.0.0.0/8"])
    for number in range(20):
        assert proxies.trusts(b"10.0.0.%d" % number)
        assert len(proxies._known) <= 3


@pytest.mark.parametrize(
    ("before", "client"),
    [
        ([], PROXY),
        ([CLIENT], CLIENT),
        ([b"1.1.1.1", CLIENT], CLIENT),
        ([CLIENT, b"10.0.0.2"], CLIENT),
        ([b"10.0.0.3", b"10.0.0.2"], b"10.0.0.3"),
        ([b"1.1.1.1", b"unknown", b"10.0.0.2"], b"10.0.0.2"),
        ([b"garbage"], PROXY),
    ],
)
def test_the_client_is_the_rightmost_that_is_not_trusted(before, client):
    assert client_address(PROXY, before, TrustedProxies(["10.0.0.0/8"])) == client


def test_an_untrusted_peer_is_not_believed():
    given = [
        (b"x-forwarded-for", b"1.1.1.1"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"evil.test"),
        (b"forwarded", b"for=1.1.1.1"),
    ]
    assert TRUSTED.client_address(CLIENT, given) == CLIENT
    assert TRUSTED.origin(CLIENT, given, b"shop", https=False) == Origin(False, b"shop")
    lines = TRUSTED.lines(CLIENT, given, b"shop", https=False)
    assert lines == (
        b"X-Forwarded-For: 192.0.2.7\r\n"
        b"X-Forwarded-Proto: http\r\n"
        b"X-Forwarded-Port: 8080\r\n"
        b"Forwarded: for=192.0.2.7;proto=http\r\n"
        b"X-Forwarded-Host: shop\r\n"
    )


def test_the_lines_of_a_peer_are_those_of_a_request_without_a_host():
    assert Forwarding().peer_lines(b"::1", https=True) == (
        b"X-Forwarded-For: ::1\r\n"
        b"X-Forwarded-Proto: https\r\n"
        b'Forwarded: for="[::1]";proto=https\r\n'
    )
    assert Forwarding().lines(CLIENT, [], b"", https=True) == Forwarding().peer_lines(
        CLIENT, https=True
    )


def test_a_trusted_peer_is_believed_and_appended_to():
    given = [
        (b"x-forwarded-for", b"1.1.1.1"),
        (b"x-forwarded-for", CLIENT),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"shop.test"),
        (b"forwarded", b"for=192.0.2.7"),
    ]
    assert TRUSTED.client_address(PROXY, given) == CLIENT
    assert TRUSTED.origin(PROXY, given, b"inner", https=False).url() == b"https://shop.test"
    assert TRUSTED.lines(PROXY, given, b"inner", https=False) == (
        b"X-Forwarded-For: 1.1.1.1, 192.0.2.7, 10.0.0.1\r\n"
        b"X-Forwarded-Proto: https\r\n"
        b"X-Forwarded-Port: 443\r\n"
        b"X-Forwarded-Host: shop.test\r\n"
        b'Forwarded: for=192.0.2.7, for=10.0.0.1;proto=http;host="inner"\r\n'
    )


def test_x_real_ip_is_a_trusted_proxys_to_say():
    given = [(b"x-real-ip", CLIENT)]
    assert b"\r\nX-Real-IP: 192.0.2.7\r\n" in TRUSTED.lines(PROXY, given, b"s", https=False)
    assert b"X-Real-IP" not in TRUSTED.lines(CLIENT, given, b"s", https=False)


@pytest.mark.parametrize(
    ("given", "https", "host", "port"),
    [
        ([], False, b"shop:81", b"8080"),
        ([(b"x-forwarded-port", b"444")], False, b"shop:81", b"444"),
        ([(b"x-forwarded-port", b"0")], False, b"shop:81", b"8080"),
        ([(b"x-forwarded-proto", b"ftp")], False, b"shop:81", b"81"),
        ([(b"x-forwarded-proto", b"https, http")], False, b"shop:81", b"81"),
        ([(b"x-forwarded-host", b"pub:90")], False, b"pub:90", b"90"),
        ([(b"x-forwarded-host", b"a/b")], False, b"shop:81", b"81"),
        ([(b"x-forwarded-proto", b"HTTPS")], True, b"shop:81", b"81"),
    ],
)
def test_what_a_trusted_peer_says_is_checked(given, https, host, port):
    given = [(b"x-forwarded-for", CLIENT), *given]
    assert TRUSTED.origin(PROXY, given, b"shop:81", https=False) == Origin(https, host)
    assert b"X-Forwarded-Port: " + port + b"\r\n" in TRUSTED.lines(
        PROXY, given, b"shop:81", https=False
    )


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (b"for=192.0.2.7;proto=https", CLIENT),
        (b'For="[2001:db8::1]:4711";by=x', b"2001:db8::1"),
        (b'for=1.1.1.1, by="a,for=2.2.2.2", for=192.0.2.7', CLIENT),
        (b"for=unknown", PROXY),
        (b'for="', PROXY),
        (b"proto=https", PROXY),
    ],
)
def test_forwarded_tells_the_client_where_there_is_no_list(value, client):
    assert TRUSTED.client_address(PROXY, [(b"forwarded", value)]) == client


@pytest.mark.parametrize("host", [b"", b"a b", b'a"b', b"a/b", b"\xff"])
def test_a_host_that_cannot_be_one_has_no_url(host):
    assert TRUSTED.origin(CLIENT, [], host, https=True).url() == b""
    assert TRUSTED.origin(PROXY, [(b"forwarded", b"")], host, https=True).url() == b""
