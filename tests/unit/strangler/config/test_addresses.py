import pytest

from strangler.config.addresses import endpoint, is_authority, is_host, listen_address, network
from strangler.config.model import Endpoint
from strangler.kit.shapes import UnfitError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://127.0.0.1:8000", Endpoint("127.0.0.1", 8000)),
        ("http://shop/", Endpoint("shop", 80)),
        ("https://shop.internal", Endpoint("shop.internal", 443, tls=True)),
        ("http://[::1]:8000", Endpoint("::1", 8000)),
        ("http://my_service:8000", Endpoint("my_service", 8000)),
        ("unix:/run/app.sock", Endpoint("", 0, unix="/run/app.sock")),
        ("unix:///run/app.sock", Endpoint("", 0, unix="/run/app.sock")),
    ],
)
def test_endpoints(text, expected):
    assert endpoint(text) == expected


@pytest.mark.parametrize("text", ["http://127.0.0.1:8000", "https://[::1]:1", "unix:/a"])
def test_an_endpoint_is_shown_as_it_is_written(text):
    assert str(endpoint(text)) == text


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("127.0.0.1:8000", "write the scheme too, such as `http://127.0.0.1:8000`"),
        ("tcp://a:1", "its scheme must be"),
        ("http://a:1/shop", "add_prefix"),
        ("http://a:1?x=1", "add_prefix"),
        ("http://u:p@a:1", "take them out"),
        ("http://", "such as `http://127.0.0.1:8000`"),
        ("http://a b:1", "such as `http://127.0.0.1:8000`"),
        ("http://a:0", "such as `http://127.0.0.1:8000`"),
        ("http://a:99999", "write `http://host:port`"),
        ("http://[::1:80", "write `http://host:port`"),
        ("unix:app.sock", "an absolute path"),
        ("unix:/" + "x" * 107, "an absolute path of at most 107 bytes"),
        ("unix:/run/a\0b", "an absolute path of at most 107 bytes"),
    ],
)
def test_what_is_no_endpoint(text, advice):
    with pytest.raises(UnfitError) as caught:
        endpoint(text)
    assert advice in caught.value.exact


@pytest.mark.parametrize("text", ["127.0.0.1:8080", ":80", "[::1]:0", "localhost:1"])
def test_addresses_to_listen_on(text):
    assert listen_address(text) == text


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("8080", "write a host too, as `127.0.0.1:8080`"),
        ("http://a:1", "leave the scheme out"),
        ("localhost", "write `HOST:PORT`"),
        ("a:65536", "from 0 to 65535"),
        ("a b:1", "such as `127.0.0.1:8080`"),
        ("::1:80", "write `HOST:PORT`"),
        ("[::1:80", "write `HOST:PORT`"),
        ("[127.0.0.1]:80", "such as `127.0.0.1:8080`"),
    ],
)
def test_what_is_no_address_to_listen_on(text, advice):
    with pytest.raises(UnfitError) as caught:
        listen_address(text)
    assert advice in caught.value.exact


def test_networks():
    assert network("10.0.0.0/8") == "10.0.0.0/8"
    assert network("::1") == "::1/128"
    with pytest.raises(UnfitError) as caught:
        network("10.1.0.0/8")
    assert "write `10.0.0.0/8`" in caught.value.exact
    with pytest.raises(UnfitError):
        network("example.com")


@pytest.mark.parametrize("text", ["a", "a:80", "a.example.", "[::1]:80", "[::1]", "192.0.2.7:1"])
def test_authorities(text):
    assert is_authority(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "::1",
        "[::1",
        "::1]",
        "[a]",
        "[192.0.2.7]",
        "[fe80::1%eth0]",
        "a:65536",
        "a:",
        "a b",
        "é",
    ],
)
def test_what_is_no_authority(text):
    assert not is_authority(text)


def test_hosts():
    assert is_host("::1")
    assert is_host("my_service")
    assert not is_host("fe80::1%eth0")
    assert not is_host("[::1]")
