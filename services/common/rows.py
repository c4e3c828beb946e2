"""Columns of an incoming row, checked: what fills a service comes from outside it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

T = TypeVar("T")

Row = dict[str, Any]
"""A row for a table: column to value."""
ParseRow = Callable[[Mapping[str, object]], Row]
"""Checks a JSON object and makes a row of it. Raises RowError."""


class RowError(ValueError):
    """A row lacks a field or has one of the wrong kind."""


def value_of(given: Mapping[str, object], name: str, kind: type[T]) -> T:
    """The value under `name`, which must be of exactly that type. Raises RowError."""
    value = given.get(name)
    if type(value) is not kind:
        raise RowError(f"{name} must be {_KINDS[kind]}")
    return value


def moment_of(given: Mapping[str, object], name: str) -> datetime:
    """The ISO 8601 time with a zone under `name`. Raises RowError."""
    try:
        moment = datetime.fromisoformat(value_of(given, name, str))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RowError(f"{name} must be a time such as 2026-01-31T09:30:00.000000Z")
    return moment


_KINDS: dict[type, str] = {int: "a whole number", str: "text", bool: "true or false"}
