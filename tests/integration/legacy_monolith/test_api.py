"""The JSON API: shapes, pages, parameters, methods, and who may write."""

import re

import pytest

REVIEW_KEYS = [
    "id", "product_id", "product_name", "author", "rating", "title", "body", "created_at",
    "updated_at",
]  # fmt: skip
SEEDED = 130
"""Reviews of the small data set."""
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def test_a_page_of_reviews_is_newest_first_and_keeps_its_parameters(visitor):
    answer = visitor.get("/api/reviews?page_size=5&page=2&product=3")
    assert answer.headers["Content-Type"] == "application/json"
    page = answer.json
    assert list(page) == ["count", "page", "page_size", "next", "previous", "results"]
    assert page["previous"] == "/api/reviews?product=3&page=1&page_size=5"

    page = visitor.get("/api/reviews").json
    assert page["count"] >= SEEDED  # other tests write some
    assert (page["page"], page["page_size"]) == (1, 20)
    assert (page["next"], page["previous"]) == ("/api/reviews?page=2", None)
    assert [list(row) for row in page["results"]] == [REVIEW_KEYS] * 20
    order = [(row["created_at"], row["id"]) for row in page["results"]]
    assert order == sorted(order, reverse=True)
    assert all(MOMENT.fullmatch(moment) for moment, _ in order)


def test_the_pages_together_are_all_reviews(visitor):
    path, seen = "/api/reviews?page_size=50", []
    while path:
        page = visitor.get(path).json
        seen += [row["id"] for row in page["results"]]
        path = page["next"]
    assert len(seen) == len(set(seen)) == page["count"]
    assert set(seen) >= set(range(1, SEEDED + 1))


def test_a_page_beyond_the_last_is_empty_and_leads_back(visitor):
    page = visitor.get("/api/reviews?page=99").json
    assert (page["results"], page["next"]) == ([], None)
    assert page["previous"] == "/api/reviews?page=7"


def test_the_body_is_compact_and_not_escaped(visitor):
    body = visitor.get("/api/faq?category=payment").body
    assert b'{"count":2,"results":[{"id":8,"category":"payment","question":"How' in body
    assert "€".encode() in body


def test_a_summary_counts_and_averages(visitor):
    rows = visitor.get("/api/reviews?product=3&page_size=100").json["results"]
    ratings = [row["rating"] for row in rows]
    summary = visitor.get("/api/reviews/summary?product=3").json
    assert summary["histogram"] == {str(n): ratings.count(n) for n in range(1, 6)}
    assert float(summary["average"]) == pytest.approx(sum(ratings) / len(ratings), abs=0.005)
    assert visitor.get("/api/reviews/summary?product=4711").json["average"] is None


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/api/reviews?page=0", "page must be a whole number from 1."),
        ("/api/reviews?page=two", "page must be a whole number from 1."),
        ("/api/reviews?product=", "product must be a whole number from 1."),
        ("/api/reviews?page_size=101", "page_size must be a whole number from 1 to 100."),
        ("/api/reviews/summary", "product must be a whole number from 1."),
        ("/api/faq?category=%00", "category must be lower-case letters, digits and hyphens."),
    ],
)
def test_bad_parameters_are_named(visitor, path, detail):
    answer = visitor.get(path)
    assert answer.status == 400
    assert answer.json == {"error": "bad_parameter", "detail": detail}


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/api/reviews/999", "There is no review 999."),
        ("/api/notices/999", "There is no notice 999."),
        ("/api/reviews/99999999999999999999", "There is no review 99999999999999999999."),
        ("/api/reviews/", "There is nothing at /api/reviews/."),
    ],
)
def test_what_is_not_there(visitor, path, detail):
    answer = visitor.get(path)
    assert (answer.status, answer.json) == (404, {"error": "not_found", "detail": detail})


def test_other_methods_are_refused_before_the_token_is_looked_at(visitor):
    answer = visitor.ask("PUT", "/api/reviews")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
    assert answer.json["error"] == "method_not_allowed"
    assert visitor.ask("DELETE", "/api/faq").headers["Allow"] == "GET, HEAD"


def test_head_is_get_without_the_body(visitor):
    got, head = visitor.get("/api/reviews/1"), visitor.ask("HEAD", "/api/reviews/1")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(got.body))


def test_a_streamed_answer_to_head_has_no_body(member):
    answer = member.ask("HEAD", "/orders/export.csv")
    assert (answer.status, answer.body) == (200, b"")


def test_writing_needs_a_token_and_a_login(visitor):
    refused = visitor.ask("POST", "/api/reviews", b"{}", Content_Type="application/json")
    assert (refused.status, refused.json["error"]) == (403, "csrf_failed")
    assert visitor.send_json("POST", "/api/reviews", {}).status == 401


def test_a_review_is_written_changed_and_deleted_by_its_author(member, visitor, staff):
    wish = {"product_id": 24, "rating": 4, "title": "Good", "body": "Still works."}
    made = member.send_json("POST", "/api/reviews", wish)
    assert made.status == 201
    path = f"/api/reviews/{made.json['id']}"
    assert made.json["created_at"] == made.json["updated_at"]
    assert visitor.get(path).body == made.body

    changed = member.send_json("PATCH", path, {"rating": 2}).json
    assert (changed["rating"], changed["title"]) == (2, "Good")
    assert changed["updated_at"] > changed["created_at"]
    assert visitor.send_json("PATCH", path, {"rating": 1}).status == 401
    assert member.send_json("DELETE", "/api/reviews/1", {}).status == 403
    assert staff.send_json("DELETE", path, {}).status == 204
    assert visitor.get(path).status == 404


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"rating": 6}, "rating"),
        ({"rating": True}, "rating"),
        ({"title": " "}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"body": "half \ud800 a character"}, "body"),
        ({"body": "\0"}, "body"),
        ({"product_id": 4711}, "product_id"),
    ],
)
def test_a_review_that_is_not_one(member, change, word):
    wish = {"product_id": 24, "rating": 4, "title": "Good", "body": "Still works."} | change
    answer = member.send_json("POST", "/api/reviews", wish)
    assert (answer.status, answer.json["error"]) == (400, "bad_parameter")
    assert answer.json["detail"].startswith(word)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"a":' * 100_000])
def test_a_body_that_is_no_json_object(member, body):
    token = member.get("/api/csrf").json["token"]
    headers = {"Content_Type": "application/json", "X_CSRFToken": token}
    answer = member.ask("POST", "/api/reviews", body, **headers)
    assert (answer.status, answer.json["error"]) == (400, "bad_json")


@pytest.mark.parametrize("name", ["author", "half \ud800 a character"])
def test_only_some_of_a_review_can_be_changed(staff, visitor, name):
    before = visitor.get("/api/reviews/2").body
    answer = staff.send_json("PATCH", "/api/reviews/2", {name: 1, "rating": 1})
    assert (answer.status, answer.json["error"]) == (400, "bad_parameter")
    assert visitor.get("/api/reviews/2").body == before


def test_products_stock_and_who_i_am(visitor, member):
    page = visitor.get("/api/products?category=audio&q=a&page_size=1").json
    assert page["next"].startswith("/api/products?category=audio&q=a&page=2&page_size=1")
    product = visitor.get(f"/api/products/{page['results'][0]['id']}").json
    assert product == page["results"][0]
    assert visitor.get(f"/api/inventory/{product['sku']}").json["product_id"] == product["id"]
    assert visitor.get("/api/members/me").status == 401
    assert member.get("/api/members/me").json["username"] == "member1"


def test_orders_belong_to_their_member(member, staff):
    own = {row["id"] for row in member.get("/api/orders?page_size=100").json["results"]}
    everybodys = {row["id"] for row in staff.get("/api/orders?page_size=100").json["results"]}
    foreign = min(everybodys - own)
    assert member.get(f"/api/orders/{foreign}").status == 404
    assert member.get(f"/api/shipments/{foreign}").status == 404
    assert staff.get(f"/api/shipments/{foreign}").json["order_id"] == foreign
