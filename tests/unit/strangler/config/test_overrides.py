import pytest

from strangler.config.model import Force, IdentityKind, IdentitySource


def group(config, text):
    table = config.table(f"routes:\n- {{name: r, match: {{path: /a}}, upstream: legacy, {text}}}\n")
    return table.groups["r"]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("proxy_cookie", IdentitySource(IdentityKind.PROXY_COOKIE)),
        ("client_ip", IdentitySource(IdentityKind.CLIENT_IP)),
        ("random", IdentitySource(IdentityKind.RANDOM)),
        ("cookie:Customer", IdentitySource(IdentityKind.COOKIE, "Customer")),
        ("header:X-User", IdentitySource(IdentityKind.HEADER, "x-user")),
    ],
)
def test_identities(config, text, source):
    assert group(config, f"identity: ['{text}']").identity == (source,)


@pytest.mark.parametrize(
    "text", ["cookie", "'cookie:'", "client_ip:x", "session", "'header:a b'", "'cookie: x'", "''"]
)
def test_what_is_no_identity(config, text):
    told = config.route_told(f"match: {{path: /a}}, upstream: legacy, identity: [{text}]")
    assert "write `proxy_cookie`, `cookie:NAME`" in told[0]


def test_lists_and_force(config):
    found = group(config, "allow: [a, 7], deny: [b], force: {header: X-Side, cookie: side}")
    assert (found.allow, found.deny) == (frozenset({"a", "7"}), frozenset({"b"}))
    assert found.force == Force("X-Side", "side")


def test_force_names_something(config):
    (told,) = config.route_told("match: {path: /a}, upstream: legacy, force: {}")
    assert "nothing forces a side" in told


def test_a_salt_is_what_blake2b_takes_as_a_key(config):
    assert group(config, f"salt: {'é' * 32}").salt == "é" * 32
    (told,) = config.route_told(f"match: {{path: /a}}, upstream: legacy, salt: {'é' * 33}")
    assert "write 1 to 64 bytes; this has 66" in told
