import pytest

from strangler.config.model import (
    AccessLog,
    ClientTimeouts,
    Gateway,
    Hold,
    Limits,
    LogFormat,
    ProxyCookie,
    Tls,
)


def test_every_key_of_the_gateway(config):
    table = config.table("""\
gateway:
  listen: :80
  admin: "[::1]:9900"
  tls: {certificate: c.pem, key: k.pem}
  trusted_proxies: [10.0.0.0/8, 192.0.2.7, "2001:db8::/32"]
  via: gw
  route_header: X-Route
  timeouts: {header: 1s, body: 2s, keep_alive: 3s, send: 4s, drain: 5s}
  limits:
    request_line: 1KiB
    header_bytes: 2KiB
    header_count: 3
    body: 4MiB
    buffered_body: 5
    buffered_total: 6
    connections: 7
  hold: {requests: 8, time: 9s, body: 10}
  access_log: {format: off, path: log, sample: 0.25}
  cookie: {name: id, max_age: 1d, secure: never, same_site: Strict}
""")
    assert table.gateway == Gateway(
        listen=":80",
        admin="[::1]:9900",
        tls=Tls("c.pem", "k.pem"),
        trusted_proxies=("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"),
        via="gw",
        route_header="X-Route",
        timeouts=ClientTimeouts(1.0, 2.0, 3.0, 4.0, 5.0),
        limits=Limits(1024, 2048, 3, 4 * 2**20, 5, 6, 7),
        hold=Hold(8, 9.0, 10),
        access_log=AccessLog(LogFormat.OFF, "log", 0.25),
        cookie=ProxyCookie("id", 86_400.0, "never", "Strict"),
    )


@pytest.mark.parametrize("sample", ["-1", "1.1", "10%", "nan", "1e-3"])
def test_a_share_is_from_0_to_1(config, sample):
    (told,) = config.told(f"gateway: {{access_log: {{sample: {sample}}}}}\n")
    assert "write a number from 0 to 1" in told


def test_a_certificate_needs_its_key(config):
    (told,) = config.told("gateway: {tls: {certificate: c.pem}}\n")
    assert told == "1:16 error: `key` is missing in `tls`: add `key: key.pem`"


@pytest.mark.parametrize("keys", ["same_site: None", "name: __Host-id", "name: __Secure-id"])
def test_a_cookie_that_no_browser_takes(config, keys):
    (told,) = config.told(f"gateway: {{cookie: {{secure: never, {keys}}}}}\n")
    assert "write `secure: always`" in told
    assert config.table(f"gateway: {{cookie: {{{keys}}}}}\n")


@pytest.mark.parametrize("name", ["Content-Length", "connection", "a b", "X_Route", "''"])
def test_what_cannot_tell_the_route(config, name):
    assert config.told(f"gateway: {{route_header: {name}}}\n")
