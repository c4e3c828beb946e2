import pytest

from strangler.config.load import load
from strangler.config.model import Balance, Buffering, Endpoint, Health, Timeouts, UpstreamTls
from strangler.kit.problems import ConfigError


def upstream(keys):
    text = (
        "version: 1\ndefault: legacy\nupstreams:\n"
        "  legacy: {endpoints: [http://127.0.0.1:8000]}\n"
        f"  new-one: {{endpoints: [http://b:1], {keys}}}\n"
    )
    return load(text, env={}).upstreams["new-one"]


def test_every_key_of_an_upstream():
    one = upstream(
        "balance: p2c, health: {path: /ok, interval: 1s, timeout: 500ms, unhealthy_after: 3,"
        " healthy_after: 2}, timeouts: {connect: 1s}, host: endpoint, request_buffering: all,"
        " pool_idle: 2s, pool_size: 4, max_connections: 8, resolve_every: 1m,"
        " tls: {verify: false, ca: ca.pem, server_name: b.internal}, owner: team-b,"
        " labels: {tier: 1}",
    )
    assert one.endpoints == (Endpoint("b", 1),)
    assert one.balance is Balance.P2C
    assert one.health == Health("/ok", 1.0, 0.5, 3, 2)
    assert one.timeouts == Timeouts(connect=1.0)
    assert (one.host, one.request_buffering) == ("endpoint", Buffering.ALL)
    assert (one.pool_idle, one.pool_size, one.max_connections) == (2.0, 4, 8)
    assert one.resolve_every == 60.0
    assert one.tls == UpstreamTls(verify=False, ca="ca.pem", server_name="b.internal")
    assert (one.owner, one.labels) == ("team-b", {"tier": "1"})


def test_only_the_default_upstream_gets_chunked_bodies_collected(config):
    upstreams = config.table("").upstreams
    assert upstreams["legacy"].request_buffering is Buffering.CHUNKED
    assert upstreams["reviews"].request_buffering is Buffering.OFF


@pytest.mark.parametrize(
    "host", ["keep", "endpoint", "shop.example.com", "shop:8080", "'[::1]:80'"]
)
def test_hosts_that_can_be_sent(host):
    assert upstream(f"host: {host}").host == host.strip("'")


@pytest.mark.parametrize(
    "keys", ["host: 'http://shop'", "host: 'a b'", "balance: rr", "pool_size: -1"]
)
def test_what_an_upstream_refuses(keys):
    with pytest.raises(ConfigError):
        upstream(keys)


def test_old_and_new_are_no_names_of_upstreams():
    with pytest.raises(ConfigError, match="`new` has a meaning of its own"):
        load("version: 1\nupstreams: {new: {endpoints: [http://a]}}\ndefault: new\n", env={})
