"""Where to listen."""

import pytest

from services.common.server import listen_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8101", ("127.0.0.1", 8101)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_an_address(text, address):
    assert listen_address(text) == address


@pytest.mark.parametrize("text", ["", "8101", ":8101", "host:", "host:x", "host:65536", "host:-1"])
def test_no_address(text):
    with pytest.raises(ValueError, match="write HOST:PORT"):
        listen_address(text)
