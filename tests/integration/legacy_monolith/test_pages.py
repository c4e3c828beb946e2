"""The pages as a browser uses them: log in, buy, upload, download."""

import csv
import io

import pytest

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.mark.parametrize(
    "path",
    [
        "/", "/products/", "/products/?q=a&category=audio", "/products/audio-1/", "/reviews/",
        "/reviews/?page=2", "/reviews/product/1/", "/notices/", "/notices/1/", "/faq/", "/cart/",
        "/accounts/register/", "/static/shop.css", "/admin/login/", "/healthz",
    ],
)  # fmt: skip
def test_anybody_sees(visitor, path):
    assert visitor.get(path).status == 200


@pytest.mark.parametrize(
    "app",
    [
        "catalog/category", "catalog/product", "inventory/stock", "members/member",
        "notices/notice", "notices/question", "orders/order", "orders/orderline",
        "payments/payment", "reviews/review", "shipping/shipment",
    ],
)  # fmt: skip
def test_staff_see_each_table_in_the_admin(staff, app):
    assert staff.get(f"/admin/{app}/").status == 200
    assert staff.get(f"/admin/{app}/1/change/").status == 200


def test_an_unknown_page_is_a_page(visitor):
    answer = visitor.get("/nowhere/")
    assert (answer.status, "This page does not exist" in answer.text) == (404, True)


def test_a_login_needs_the_token_of_its_form(visitor):
    form = b"username=member1&password=shop-demo"
    kind = "application/x-www-form-urlencoded"
    assert visitor.ask("POST", "/accounts/login/", form, Content_Type=kind).status == 403
    assert visitor.get("/orders/").headers["Location"] == "/accounts/login/?next=/orders/"
    visitor.log_in("member1")
    assert visitor.get("/orders/").status == 200
    assert visitor.get("/accounts/logout/").status == 405
    assert visitor.send_form("/accounts/logout/", page="/").status == 302
    assert visitor.get("/orders/").status == 302


def test_a_newcomer_registers_reviews_and_buys(visitor):
    word = "correct horse battery"
    fields = {"username": "newcomer", "display_name": "Nova", "email": "nova@shop.example"}
    answer = visitor.send_form("/accounts/register/", **fields, password1=word, password2=word)
    assert answer.status == 302, answer.text
    path = "/reviews/product/9/new/"
    assert visitor.send_form(path, rating=5, title="<b>", body="Bought it.").status == 302
    page = visitor.get("/reviews/product/9/").text
    assert "&lt;b&gt;" in page
    assert "Nova" in page

    visitor.send_form("/cart/", page="/products/outdoor-6/", product=6, quantity=2)
    page = visitor.get("/checkout/").text
    attempt = page.split('name="attempt" value="')[1].split('"')[0]
    wish = {"payment_method": "card", "attempt": attempt}
    placed = visitor.send_form("/checkout/", **wish)
    assert placed.status == 302, placed.text
    assert visitor.get(placed.headers["Location"]).status == 200
    assert len(visitor.get("/api/orders").json["results"]) == 1


def upload(browser, name, content):
    page = browser.get("/accounts/profile/").text
    token = page.split('name="csrfmiddlewaretoken" value="')[2].split('"')[0]
    me = browser.get("/api/members/me").json
    parts = {"csrfmiddlewaretoken": token} | {name: me[name] for name in ("display_name", "email")}
    body = b"".join(
        f'--edge\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in parts.items()
    )
    body += (
        f'--edge\r\nContent-Disposition: form-data; name="avatar"; filename="{name}"\r\n'.encode()
    )
    body += b"Content-Type: image/png\r\n\r\n" + content + b"\r\n--edge--\r\n"
    kind = "multipart/form-data; boundary=edge"
    return browser.ask("POST", "/accounts/profile/", body, Content_Type=kind)


def test_a_picture_is_uploaded_and_served(member):
    assert upload(member, "../me.png", PICTURE).status == 302
    path = member.get("/api/members/me").json["avatar"]
    served = member.get(path)
    assert served.body == PICTURE
    assert served.headers["Content-Type"] == "image/png"
    assert served.headers["X-Content-Type-Options"] == "nosniff"


def test_what_is_no_picture_is_refused(member):
    answer = upload(member, "page.png", b"<script>alert(1)</script>")
    assert (answer.status, "PNG, JPEG or GIF" in answer.text) == (200, True)


def test_orders_as_csv(member, staff):
    answer = member.get("/orders/export.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    own = list(csv.DictReader(io.StringIO(answer.text)))
    key = str(member.get("/api/members/me").json["id"])
    assert {row["member_id"] for row in own} <= {key}
    everybodys = list(csv.DictReader(io.StringIO(staff.get("/orders/export.csv").text)))
    assert len(everybodys) >= 29
    assert {row["member_id"] for row in everybodys} > {key}
