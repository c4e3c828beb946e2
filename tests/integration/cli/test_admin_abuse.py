"""Whatever is sent to the admin port is answered with a sentence; none of it is a defect."""

import http.client
import json

import pytest

JSON = {"Content-Type": "application/json"}
WHO = {"author": "mary"}


def answer(shop, method: str, path: str, body: bytes | None = None, **headers) -> int:
    """The status; the body of whatever is refused is JSON with a sentence."""
    connection = http.client.HTTPConnection("127.0.0.1", shop.ports["admin"], timeout=30)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        told = json.loads(response.read())
    finally:
        connection.close()
    assert response.status < 400 or told["error"]
    return response.status


BODIES = [
    ("plan", b"[" * 100_000),
    ("plan", b"\xff\xfe"),
    ("plan", [1]),
    ("plan", {"text": 5}),
    ("canary", {"route": "reviews", "to": [1], **WHO}),
    ("canary", {"route": "reviews", "to": "abc", **WHO}),
    ("canary", {"route": "reviews", "percent": {"a": 1}, **WHO}),
    ("canary", {"route": "reviews", "percent": 5}),
    ("canary", {"route": "reviews", "percent": 5, "author": "mary\ud800"}),
    ("canary", {"route": "reviews", "percent": 5, "author": "mary\nroot"}),
    ("canary", {"route": "reviews", "percent": 5, "author": "m" * 201}),
    ("canary", {"route": "reviews", "percent": 5, "author": "mary", "reason": "\x1b[2J"}),
    ("explain", {"method": "GET", "target": "/", "headers": [1]}),
    ("explain", {"method": "GET", "target": "/", "headers": 5}),
    ("explain", {"method": "GET", "target": "/", "headers": {"a": "b"}}),
    ("explain", {"method": "GET", "target": "/\ud800"}),
    ("undo", {"to": [], **WHO}),
]


def test_nonsense_is_refused_and_no_defect(shop):
    shop.serve()
    for call, body in BODIES:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        assert answer(shop, "POST", f"/api/{call}", data, **JSON) == 400, (call, body)
    for path in ("/../../etc/passwd", "/api/versions/../../x", "/api/nothing"):
        assert answer(shop, "GET", path) == 404
    assert answer(shop, "GET", "/api/versions/%2e%2e") == 400
    assert answer(shop, "PUT", "/api/apply", b"{}", **JSON) == 405
    charset = {"Content-Type": "application/json; charset=nonsense"}
    assert answer(shop, "POST", "/api/plan", b"{}", **charset) == 400
    assert answer(shop, "POST", "/api/plan", b"{}", **JSON, Origin="http://[") == 403
    assert answer(shop, "POST", "/api/plan", b"{}", **JSON, Host="127.0.0.1@evil") == 403
    assert shop.live() == 1
    assert "admin_request_failed" not in shop.log()


@pytest.mark.parametrize("sent", [b"Bearer \xff\xfe", b"Bearer 0123456789wrong", b"Basic eDp5"])
def test_a_token_that_is_not_known_is_refused_and_not_logged(shop, sent):
    made = shop.run("token", "ci", "--role", "operator")
    (shop.folder / "tokens").write_text(made.stderr)
    shop.serve(STRANGLER_ADMIN_TOKENS_FILE=str(shop.folder / "tokens"))
    assert answer(shop, "GET", "/api/status", Authorization=sent) == 403
    shop.run("canary", "reviews", "5", env={"STRANGLER_ADMIN_TOKEN": made.stdout.strip()})
    assert made.stdout.strip() not in shop.log()
    assert "0123456789wrong" not in shop.log()
