"""Pages of results: which rows a page has and how its neighbours are called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from services.common.parameters import number

PAGE_SIZE = 20
"""Rows of a page when the caller does not say."""
LARGEST_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was asked for."""

    number: int = 1
    """From 1."""
    size: int = PAGE_SIZE
    """Rows of a full page."""
    size_given: bool = False
    """Whether the caller named the size, so that links repeat it."""
    filters: Mapping[str, int] = field(default_factory=dict)
    """What narrows the list; links repeat it before the page."""

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.number - 1) * self.size

    def last(self, count: int) -> int:
        """The number of the last page of `count` rows; an empty list has one page."""
        return max(1, -(-count // self.size))

    def next(self, count: int) -> int | None:
        """The page after this one, None at and beyond the last."""
        return self.number + 1 if self.number < self.last(count) else None

    def previous(self, count: int) -> int | None:
        """The page before this one, None on the first; from beyond the last, the last."""
        return min(self.number - 1, self.last(count)) if self.number > 1 else None

    def link(self, path: str, page: int | None) -> str | None:
        """`path` with the parameters that lead to `page`, in an order both sides share."""
        if page is None:
            return None
        named = {**self.filters, "page": page}
        if self.size_given:
            named["page_size"] = self.size
        return f"{path}?{urlencode(named)}"


def page_asked(given: Mapping[str, str], **filters: int | None) -> Page:
    """The page that `page` and `page_size` name; filters that are None are left out.

    Raises BadParameterError.
    """
    asked = number(given, "page")
    size = number(given, "page_size", at_most=LARGEST_PAGE_SIZE)
    kept = {name: value for name, value in filters.items() if value is not None}
    return Page(asked or 1, size or PAGE_SIZE, size is not None, kept)


def page_body(page: Page, path: str, count: int, results: Sequence[object]) -> dict[str, object]:
    """The JSON of one page; its neighbours are links below `path`."""
    return {
        "count": count,
        "page": page.number,
        "page_size": page.size,
        "next": page.link(path, page.next(count)),
        "previous": page.link(path, page.previous(count)),
        "results": results,
    }


def page_shown(text: str | None, count: int) -> Page:
    """The page for people: no number is the first page, one out of range the last.

    Refusing them would be right for a program and unkind to somebody with an old bookmark.
    """
    page = Page()
    try:
        asked = 1 if text is None else int(text)
    except ValueError:
        return page
    return replace(page, number=asked if 1 <= asked <= page.last(count) else page.last(count))


def neighbour(given: Mapping[str, str], page: int) -> str:
    """A relative link to another page that keeps the other parameters."""
    return f"?{urlencode({**given, 'page': page})}"
