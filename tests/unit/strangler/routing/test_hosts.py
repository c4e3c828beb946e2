import pytest

from strangler.routing.hosts import host_levels, normal_host


@pytest.mark.parametrize(
    ("host", "normal"),
    [
        (b"Shop.Example.COM", "shop.example.com"),
        (b"shop:8080", "shop"),
        (b"shop:", "shop"),
        (b"shop.:80", "shop"),
        (b"[::1]", "[::1]"),
        (b"[0:0:0:0:0:0:0:1]:443", "[::1]"),
        (b"2001:DB8::0", "[2001:db8::]"),
        (b"192.0.2.1:80", "192.0.2.1"),
        (b"[::1", "[::1]"),
        (b"[zz]:80", "[zz]:80"),
        (b"\xff", "\xff"),
        (b"", ""),
    ],
)
def test_normal_host(host, normal):
    assert normal_host(host) == normal


def test_levels_go_from_the_name_to_the_shortest_suffix():
    assert host_levels("a.b.example.com") == [
        "a.b.example.com",
        "*.b.example.com",
        "*.example.com",
        "*.com",
    ]
    assert host_levels("[::1]") == ["[::1]"]
    assert host_levels("a." * 1000) == ["a." * 1000]
