"""Query parameters and pages of the JSON API."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest

from legacy_monolith.api import bad_parameter

PAGE_SIZE = 20
PAGE_SIZE_LIMIT = 100

WHOLE_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
SLUG = re.compile(r"[a-z0-9-]{1,50}", re.ASCII)


def number(request: HttpRequest, name: str, *, at_most: int | None = None) -> int | None:
    """A whole number from 1, or None when the parameter is not given; of several the last."""
    text = request.GET.get(name)
    if text is None:
        return None
    value = int(text) if WHOLE_NUMBER.fullmatch(text) else 0
    if value < 1 or (at_most and value > at_most):
        to = f" to {at_most}" if at_most else ""
        raise bad_parameter(f"{name} must be a whole number from 1{to}.")
    return value


def slug(request: HttpRequest, name: str) -> str | None:
    """Lower-case letters, digits and hyphens, or None when not given or empty."""
    text = request.GET.get(name)
    if not text:
        return None
    if not SLUG.fullmatch(text):
        raise bad_parameter(f"{name} must be lower-case letters, digits and hyphens.")
    return text


@dataclass(frozen=True)
class Page:
    """Which page of a list was asked for; `given` are the parameters to repeat in links."""

    path: str
    number: int
    size: int
    given: tuple[tuple[str, object], ...]

    @classmethod
    def of(cls, request: HttpRequest, **filters: object) -> "Page":
        """The page a request asks for; filters come first in links, None ones are left out."""
        page = number(request, "page")
        size = number(request, "page_size", at_most=PAGE_SIZE_LIMIT)
        given = [(name, value) for name, value in filters.items() if value is not None]
        given.append(("page", page or 1))
        if size is not None:
            given.append(("page_size", size))
        return cls(request.path, page or 1, size or PAGE_SIZE, tuple(given))

    def answer(self, rows: QuerySet, shape: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """One page of an ordered query; beyond the last one it is empty and leads back to it."""
        count = rows.count()
        last = max(1, -(-count // self.size))
        start = (self.number - 1) * self.size
        return {
            "count": count,
            "page": self.number,
            "page_size": self.size,
            "next": self._link(self.number + 1) if self.number < last else None,
            "previous": self._link(min(self.number - 1, last)) if self.number > 1 else None,
            "results": [shape(row) for row in rows[start : start + self.size]] if count else [],
        }

    def _link(self, page: int) -> str:
        pairs = [(name, page if name == "page" else value) for name, value in self.given]
        return f"{self.path}?{urlencode(pairs)}"
