"""Columns of an incoming row, checked: what fills a service comes from outside it."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

T = TypeVar("T")

LARGEST: Final = 2**63 - 1
"""The largest whole number of a column; no larger id need be looked for."""

_UNFIT: Final = re.compile("[\0\ud800-\udfff]")

Row = dict[str, Any]
"""A row for a table: column to value."""
ParseRow = Callable[[Mapping[str, object]], Row]
"""Checks a JSON object and makes a row of it. Raises RowError."""


class RowError(ValueError):
    """A row lacks a field or has one of the wrong kind."""


def value_of(given: Mapping[str, object], name: str, kind: type[T]) -> T:
    """The value under `name`, of exactly that type and fit for a column. Raises RowError."""
    value = given.get(name)
    if type(value) is not kind or not _fits(value):
        raise RowError(f"{name} must be {_KINDS[kind]}")
    return value


def _fits(value: object) -> bool:
    """Columns hold 64 bits; text must be UTF-8, which half a surrogate pair is not, without NUL."""
    if isinstance(value, int):
        return -LARGEST - 1 <= value <= LARGEST
    return not (isinstance(value, str) and _UNFIT.search(value))


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
