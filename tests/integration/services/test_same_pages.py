"""The pages that the services took over show what the monolith's pages show."""

import re
from html.parser import HTMLParser

import pytest

QUERIES = ["", "?page=2", "?page=0", "?page=-1", "?page=999", "?page=x", "?page=&x=%3Cb%3E&y=1"]


class Main(HTMLParser):
    """The title, and every tag with its attributes and every text inside <main>."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[object] = []
        self._inside = False

    def handle_starttag(self, tag, attrs):
        self._inside = self._inside or tag in {"main", "title"}
        if self._inside:
            self.tokens.append((tag, attrs))

    def handle_endtag(self, tag):
        self._inside = self._inside and tag not in {"main", "title"}
        if self._inside:
            self.tokens.append(f"/{tag}")

    def handle_data(self, data):
        text = re.sub(r"\s+", " ", data).strip()
        if self._inside and text:
            self.tokens.append(text)


def shown(html: str) -> list[object]:
    main = Main()
    main.feed(html)
    return main.tokens


def same(legacy, service, path: str) -> None:
    ours, theirs = service.get(path), legacy.get(path)
    assert ours.status == theirs.status
    assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]
    assert shown(ours.text) == shown(theirs.text)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", ["/reviews/", "/reviews/product/16/"])
def test_reviews(legacy, reviews, path, query):
    same(legacy, reviews, path + query)


@pytest.mark.parametrize("product", range(1, 25))
def test_reviews_of_each_product(legacy, reviews, product):
    same(legacy, reviews, f"/reviews/product/{product}/")


@pytest.mark.parametrize("product", ["4711", "0", "x", "9223372036854775808"])
def test_no_such_product(legacy, reviews, product):
    same(legacy, reviews, f"/reviews/product/{product}/")


@pytest.mark.parametrize("query", QUERIES)
def test_notices(legacy, notices, query):
    same(legacy, notices, f"/notices/{query}")


@pytest.mark.parametrize("path", ["/notices/1/", "/notices/25/", "/faq/", "/faq/?x=1"])
def test_a_notice_and_the_questions(legacy, notices, path):
    same(legacy, notices, path)


@pytest.mark.parametrize("path", ["/notices/999/", "/notices/x/", "/notices/99999999999999999999/"])
def test_missing_pages(legacy, notices, path):
    same(legacy, notices, path)


@pytest.mark.parametrize("path", ["/notices", "/notices?page=2", "/notices/1", "/faq"])
def test_a_missing_slash_is_added(legacy, notices, path):
    ours, theirs = notices.get(path), legacy.get(path)
    assert ours.status == theirs.status == 301
    assert ours.headers["Location"] == theirs.headers["Location"]


def test_the_look_is_the_shops(legacy, reviews):
    sheet = re.search(r'<link rel="stylesheet" href="([^"]+)">', reviews.get("/reviews/").text)[1]
    assert f'href="{sheet}"' in legacy.get("/reviews/").text
    assert legacy.get(sheet).status == 200
