"""A gateway that cannot start says why in one sentence, and leaves nothing behind."""

import socket

import pytest


def refused(shop, *words: str) -> str:
    """The log of a gateway that must refuse to start."""
    gateway = shop.serve(*words, ready=False)
    assert gateway.wait(30) == 1
    assert "Traceback" not in shop.log()
    return shop.log()


def test_a_port_that_somebody_listens_on(shop):
    with socket.create_server(("127.0.0.1", shop.ports["listen"])):
        log = refused(shop)
    assert f"cannot listen on 127.0.0.1:{shop.ports['listen']}: " in log
    assert "in use" in log


@pytest.mark.parametrize("address", ["nonsense", "nobody.invalid:80", "203.0.113.5:80"])
def test_an_address_that_is_not_ours(shop, address):
    assert f"cannot listen on {address}" in refused(shop, "--listen", address)


def test_certificate_files_that_are_missing(shop):
    shop.replaced(("format: off}", "format: off}, tls: {certificate: no.pem, key: no.key}"))
    assert "there is no file `no.pem`" in refused(shop)
