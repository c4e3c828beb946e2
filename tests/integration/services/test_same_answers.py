"""What the services took over, they answer byte for byte as the monolith does."""

import pytest

LISTS = [
    "",
    "?page=2",
    "?page=3&page_size=7",
    "?page_size=100",
    "?page_size=007&page=02",
    "?page=999",
    "?page=999999999&page_size=100",
    "?page=1&page=2",
    "?page=%32",
    "?unknown=1",
    # What no page can be.
    "?page=0",
    "?page=-1",
    "?page=+1",
    "?page=1.5",
    "?page=",
    "?page",
    "?page=%00",
    "?page=%FF",
    "?page=%D9%A1",
    "?page=%201",
    "?page=1234567890",
    "?page_size=0",
    "?page_size=101",
    "?page=x&page_size=y",
    "?page=1;page_size=2",
]
REVIEWS = [
    *LISTS,
    "?product=1",
    "?product=2&page_size=1&page=2",
    "?page_size=1&page=2&product=02",
    "?product=99999",
    "?product=99999&page=3",
    "?product=0",
    "?product=",
    "?product=x&page=x",
    *("/1", "/0005", "/%35", "/130", "/0", "/131", "/9223372036854775807"),
    *("/9223372036854775808", "/99999999999999999999999", "/-1", "/x", "/1/", "/1/x", "/"),
    *(f"/summary?product={product}" for product in range(1, 26)),
    *("/summary", "/summary?product=", "/summary?product=x", "/summary?product=99999"),
]
NOTICES = [*LISTS, "/1", "/25", "/26", "/0", "/x", "/1/", "/99999999999999999999999"]
QUESTIONS = [
    "",
    *(f"?category={name}" for name in ("orders", "delivery", "payment", "account", "nothing")),
    *("?category=", "?category=Orders", "?category=a%20b", "?category=a&category=orders"),
    *(f"?category={'a' * length}" for length in (50, 51)),
    *("/", "/1", "?page=0"),
]


def same(legacy, service, path: str) -> None:
    ours, theirs = service.get(path), legacy.get(path)
    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]
    head = service.ask("HEAD", path)
    assert (head.status, head.body) == (ours.status, b"")
    assert head.headers["Content-Length"] == str(len(theirs.body))


@pytest.mark.parametrize("path", REVIEWS)
def test_reviews(legacy, reviews, path):
    same(legacy, reviews, f"/api/reviews{path}")


@pytest.mark.parametrize("path", NOTICES)
def test_notices(legacy, notices, path):
    same(legacy, notices, f"/api/notices{path}")


@pytest.mark.parametrize("path", QUESTIONS)
def test_questions(legacy, notices, path):
    same(legacy, notices, f"/api/faq{path}")


def test_every_page_and_every_review(legacy, reviews):
    """Following `next` to the end shows each review once."""
    path, seen = "/api/reviews?page_size=50", []
    while path:
        same(legacy, reviews, path)
        page = reviews.get(path).json
        seen += [review["id"] for review in page["results"]]
        path = page["next"]
    assert sorted(seen) == list(range(1, len(seen) + 1))
    assert len(seen) == page["count"] > 100


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(notices, legacy, method):
    ours, theirs = (server.ask(method, "/api/notices") for server in (notices, legacy))
    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    assert ours.headers["Allow"] == theirs.headers["Allow"] == "GET, HEAD"
