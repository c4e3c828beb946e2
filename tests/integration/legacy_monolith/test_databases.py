"""The shop says the same on every database, byte for byte: the seed is the same everywhere."""

import pytest

from tests.integration.legacy_monolith.shop_process import Browser

# Nothing that another test writes: no list of all reviews, no stock, no product of theirs.
UNCHANGED = [
    "/api/products?page_size=100", "/api/products?q=AUDIO", "/api/products?category=audio&page=2",
    "/api/products/3", "/api/reviews/7", "/api/reviews?product=3&page_size=5&page=2",
    "/api/reviews/summary?product=3", "/api/notices", "/api/notices/1", "/api/faq",
    "/api/faq?category=orders", "/api/products/4711", "/api/members/me", "/healthz",
]  # fmt: skip


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def other(request):
    return Browser(request.getfixturevalue(f"{request.param}_port"))


@pytest.mark.parametrize("path", UNCHANGED)
def test_an_answer_is_the_same(visitor, other, path):
    answer, here = other.get(path), visitor.get(path)
    assert (answer.status, answer.body) == (here.status, here.body)


def test_text_beyond_the_basic_plane_is_kept(other):
    member = Browser(other.port).log_in("member3")
    words = {"product_id": 10, "rating": 5, "title": "Gut 👍", "body": "ünïcode, 東京 🛒"}
    made = member.send_json("POST", "/api/reviews", words)
    assert made.status == 201
    kept = other.get(f"/api/reviews/{made.json['id']}").json
    assert {key: kept[key] for key in words} == words
