import socket

import pytest

from strangler.proxy.listener import bind_listeners, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:443", ("::1", 443)),
        (":80", ("", 80)),
        ("*:80", ("", 80)),
        ("shop.internal:0", ("shop.internal", 0)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["8080", "host:", "host:http", "host:65536", "host:-1", "host:²"])
def test_what_is_no_address_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="write HOST:PORT"):
        parse_address(text)


def test_all_sockets_have_one_port() -> None:
    sockets = bind_listeners("127.0.0.1:0", 3)
    assert len({sock.getsockname() for sock in sockets}) == 1
    assert not any(sock.getblocking() for sock in sockets)
    for sock in sockets:
        sock.close()


def test_a_port_that_somebody_listens_on_is_not_shared_silently() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            bind_listeners(f"127.0.0.1:{other.getsockname()[1]}", 1)
