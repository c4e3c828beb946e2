"""Placing orders, on each database: all or nothing, and never more than there is."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.legacy_monolith.shop_process import Browser


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def port(request):
    return request.getfixturevalue(f"{request.param}_port")


@pytest.fixture(scope="module")
def buyers(port):
    return [Browser(port).log_in("member1"), Browser(port).log_in("member2")]


def wish(product, quantity, method="card"):
    lines = [{"product_id": product, "quantity": quantity}]
    return {"lines": lines, "payment_method": method}


def left(browser, product):
    sku = browser.get(f"/api/products/{product}").json["sku"]
    return browser.get(f"/api/inventory/{sku}").json["available"]


def together(*calls):
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_of_two_buyers_of_the_last_piece_one_wins(buyers):
    answers = together(
        *(lambda b=b: b.send_json("POST", "/api/orders", wish(1, 1)) for b in buyers)
    )
    assert sorted(answer.status for answer in answers) == [201, 409]
    lost = next(answer for answer in answers if answer.status == 409)
    assert lost.json == {"error": "sold_out", "detail": "Only 0 left of product 1."}
    assert left(buyers[0], 1) == 0


def test_an_order_is_all_or_nothing(buyers):
    ada = buyers[0]
    before, orders = left(ada, 2), ada.get("/api/orders").json["count"]
    both = {"lines": [{"product_id": 2, "quantity": 1}, {"product_id": 1, "quantity": 5}]}
    assert ada.send_json("POST", "/api/orders", both).status == 409
    refused = ada.send_json("POST", "/api/orders", wish(2, 100, "invoice"))
    assert (refused.status, refused.json["error"]) == (402, "payment_refused")
    assert left(ada, 2) == before
    assert ada.get("/api/orders").json["count"] == orders


def test_an_order_has_payment_stock_and_shipment(buyers):
    ada = buyers[0]
    before = left(ada, 3)
    made = ada.send_json("POST", "/api/orders", wish(3, 2))
    assert made.status == 201
    order = made.json
    assert order["payment"] == {"method": "card", "status": "authorised"}
    assert float(order["total"]) == float(order["lines"][0]["unit_price"]) * 2
    assert ada.get(f"/api/orders/{order['id']}").body == made.body
    assert ada.get(f"/api/shipments/{order['id']}").json["status"] == "pending"
    assert left(ada, 3) == before - 2


def test_the_same_key_places_one_order_even_at_once(buyers):
    ada, before = buyers[0], left(buyers[0], 4)
    token = ada.get("/api/csrf").json["token"]

    def place():
        return ada.ask(
            "POST", "/api/orders", json.dumps(wish(4, 1)).encode(), X_CSRFToken=token,
            Content_Type="application/json", Idempotency_Key="once",
        )  # fmt: skip

    answers = together(place, place, place)
    assert [answer.status for answer in answers] == [201] * 3
    assert len({answer.body for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 2
    assert left(ada, 4) == before - 1
    other = ada.send_json("POST", "/api/orders", wish(4, 2), Idempotency_Key="once")
    assert (other.status, other.json["error"]) == (422, "key_used")


@pytest.mark.parametrize(
    "body",
    [
        {}, {"lines": []}, {"lines": [1]}, {"lines": [{"product_id": 2}]}, wish(2, 0),
        wish(2, 101), wish(True, 1), wish(4711, 1), wish(2, 1, "barter"), wish(2, 1, []),
    ],
)  # fmt: skip
def test_an_order_that_is_not_one(buyers, body):
    answer = buyers[0].send_json("POST", "/api/orders", body)
    assert (answer.status, answer.json["error"]) == (400, "bad_parameter")


def test_the_last_keys_of_the_seed_are_known(buyers):
    """On PostgreSQL a sequence that was not moved would collide here."""
    made = {"product_id": 5, "rating": 3, "title": "Fine", "body": "It is."}
    assert buyers[0].send_json("POST", "/api/reviews", made).json["id"] > 130
