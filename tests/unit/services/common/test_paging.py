"""Pages and their neighbours."""

import pytest

from services.common.errors import BadParameterError
from services.common.paging import Page, neighbour, page_asked, page_body, page_shown


@pytest.mark.parametrize(
    ("number", "count", "next_page", "previous"),
    [
        (1, 0, None, None),
        (1, 20, None, None),
        (1, 21, 2, None),
        (2, 21, None, 1),
        (2, 60, 3, 1),
        (9, 60, None, 3),
        (2, 0, None, 1),
    ],
)
def test_neighbours(number, count, next_page, previous):
    page = Page(number)
    assert (page.next(count), page.previous(count)) == (next_page, previous)


def test_links_keep_what_was_given_in_one_order():
    page = page_asked({"page_size": "05", "page": "2", "product": "07", "x": "y"}, product=7)
    body = page_body(page, "/api/reviews", 100, [])
    assert body["next"] == "/api/reviews?product=7&page=3&page_size=5"
    assert body["previous"] == "/api/reviews?product=7&page=1&page_size=5"


def test_links_name_nothing_that_was_not_given():
    page = page_asked({}, product=None)
    assert page_body(page, "/a", 21, ["row"]) == {
        "count": 21,
        "page": 1,
        "page_size": 20,
        "next": "/a?page=2",
        "previous": None,
        "results": ["row"],
    }


def test_the_page_is_looked_at_before_its_size():
    with pytest.raises(BadParameterError, match=r"^page must"):
        page_asked({"page_size": "x", "page": "x"})


def test_offset():
    assert Page(3, 7).offset == 14


@pytest.mark.parametrize(
    ("text", "shown"),
    [(None, 1), ("2", 2), ("x", 1), ("", 1), ("0", 3), ("-4", 3), ("4", 3), ("9" * 5000, 1)],
)
def test_people_always_get_a_page(text, shown):
    assert page_shown(text, 41).number == shown


def test_a_link_to_a_neighbour_keeps_the_rest():
    assert neighbour({"a": "<", "page": "1", "b": ""}, 2) == "?a=%3C&page=2&b="
