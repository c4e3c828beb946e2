"""What a visitor of the shop does, with the gateway in between: nobody must notice it."""

import csv
import http.client
import io
import os

import pytest

from tests.integration.legacy_monolith.shop_process import TOKEN

PICTURE = b"\x89PNG\r\n\x1a\n" + os.urandom(300_000)
KIND = "multipart/form-data; boundary=edge"


def test_the_answers_come_through_the_gateway(visitor):
    assert visitor.get("/").headers["X-Route"].endswith(";legacy;v1")


def test_logging_in_needs_the_token_of_the_form(visitor):
    refused = visitor.ask("POST", "/accounts/login/", b"username=member1&password=shop-demo",
                          Content_Type="application/x-www-form-urlencoded")  # fmt: skip
    assert refused.status == 403
    assert visitor.get("/api/members/me").status == 401
    visitor.log_in("member1")
    assert visitor.get("/api/members/me").json["username"] == "member1"


def test_an_origin_of_the_public_address_is_the_shops_own(visitor, shop_gateway):
    token = visitor.get("/api/csrf").json["token"]
    origin = f"http://127.0.0.1:{shop_gateway.port}"
    answers = [
        visitor.ask("POST", "/api/orders", b"{}", Origin=each, X_CSRFToken=token)
        for each in (origin, "http://elsewhere.example")
    ]
    assert [answer.status for answer in answers] == [401, 403]


def test_a_login_sets_both_cookies_and_logging_out_ends_it(visitor):
    token = TOKEN.search(visitor.get("/accounts/login/").text)[1]
    form = f"csrfmiddlewaretoken={token}&username=member2&password=shop-demo".encode()
    answer = visitor.ask(
        "POST", "/accounts/login/", form, Content_Type="application/x-www-form-urlencoded"
    )
    cookies = answer.headers.get_all("Set-Cookie")
    assert {line.split("=")[0] for line in cookies} == {"csrftoken", "sessionid"}
    assert all("Path=/" in line for line in cookies)
    assert visitor.get("/api/members/me").status == 200
    assert visitor.send_form("/accounts/logout/", page="/").status == 302
    assert visitor.get("/api/members/me").status == 401


def test_redirects_stay_on_the_public_address(visitor):
    answer = visitor.get("/orders/")
    assert answer.status == 302
    assert answer.headers["Location"] == "/accounts/login/?next=/orders/"
    slash = visitor.get("/products")
    assert slash.status == 301
    assert slash.headers["Location"] == "/products/"


def upload(member, send):
    """Send the profile's form with a picture by `send(body)`; the picture's path."""
    token = TOKEN.search(member.get("/accounts/profile/").text)[1]
    fields = {"csrfmiddlewaretoken": token, "display_name": "Member", "email": "m@shop.example"}
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = '--edge\r\nContent-Disposition: form-data; name="avatar"; filename="me.png"\r\n'
    parts += [f"{head}Content-Type: image/png\r\n\r\n".encode(), PICTURE, b"\r\n--edge--\r\n"]
    assert send(b"".join(parts)) == 302
    return member.get("/api/members/me").json["avatar"]


def test_an_upload_arrives_byte_for_byte(member):
    path = upload(
        member,
        lambda body: member.ask("POST", "/accounts/profile/", body, Content_Type=KIND).status,
    )
    assert member.get(path).body == PICTURE


def test_a_chunked_upload_reaches_django_whole(member, shop_gateway):
    """gunicorn's Django reads a body without a length as empty: the gateway collects it."""

    def send(body: bytes) -> int:
        cookies = "; ".join(f"{name}={value}" for name, value in member.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", shop_gateway.port, timeout=30)
        pieces = (body[start : start + 7_001] for start in range(0, len(body), 7_001))
        headers = {"Cookie": cookies, "Content-Type": KIND, "Transfer-Encoding": "chunked"}
        try:
            connection.request("POST", "/accounts/profile/", pieces, headers, encode_chunked=True)
            return connection.getresponse().status
        finally:
            connection.close()

    assert member.get(upload(member, send)).body == PICTURE


def test_a_streamed_download_is_whole(staff):
    answer = staff.get("/orders/export.csv")
    assert answer.status == 200
    assert "Content-Length" not in answer.headers
    assert answer.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["order_id"] for row in rows} >= {str(n) for n in range(1, 13)}
    assert all(row["line_total"] for row in rows)


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/reviews/review/", "/static/admin/css/base.css"]
)
def test_the_admin_works(staff, path):
    answer = staff.get(path)
    assert answer.status == 200
    assert answer.body


def test_head_has_the_headers_of_get_and_no_body(visitor):
    head, get = visitor.ask("HEAD", "/api/reviews/1"), visitor.get("/api/reviews/1")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.body))
