from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from strangler.admin.client import GatewayClient
from strangler.admin.failures import Failure, Kind


@pytest.fixture
def gateway():
    """An address, and the Authorization headers that arrived there."""
    arrived = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            arrived.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_args: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"127.0.0.1:{server.server_port}", arrived
        server.shutdown()
        thread.join(10)


@pytest.mark.parametrize(
    ("token", "sent"),
    [
        ("secret", "Bearer secret"),
        ("secret\n", "Bearer secret"),
        (" \tsecret\r\n", "Bearer secret"),
        ("\n", None),
        (None, None),
    ],
)
def test_white_space_around_a_token_is_no_part_of_it(gateway, token, sent):
    address, arrived = gateway
    GatewayClient(address, token).identity()
    assert arrived == [sent]


@pytest.mark.parametrize("token", ["sec\nret", "sec\rret", "sec ret", "sécret", "sec\udcffret"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(token):
    with pytest.raises(Failure) as caught:
        GatewayClient("127.0.0.1:1", token)
    assert caught.value.kind is Kind.FORBIDDEN
    assert "ret" not in str(caught.value).replace("strangler token", "")
