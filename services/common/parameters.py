"""Query parameters, read as the monolith reads them.

The last of several values counts and an empty value is a value: Django's `QueryDict` does so, and
aiohttp's `request.query` does not.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from services.common.errors import BadParameterError

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_SLUG: Final = re.compile(r"[a-z0-9-]{1,50}")


def parameters(target: str) -> dict[str, str]:
    """Name to last value of the query in a request's target, as its first line has it."""
    return dict(parse_qsl(target.partition("?")[2], keep_blank_values=True))


def number(given: Mapping[str, str], name: str, *, at_most: int | None = None) -> int | None:
    """The whole number from 1 under `name`, None when it is not given.

    Raises BadParameterError for anything but one to nine plain digits, and beyond `at_most`.
    """
    text = given.get(name)
    if text is None:
        return None
    value = int(text) if _NUMBER.fullmatch(text) else 0
    if value < 1 or (at_most is not None and value > at_most):
        limit = f" to {at_most}" if at_most is not None else ""
        raise BadParameterError(f"{name} must be a whole number from 1{limit}.")
    return value


def slug(given: Mapping[str, str], name: str) -> str | None:
    """The slug under `name`, None when it is empty or not given. Raises BadParameterError."""
    text = given.get(name)
    if not text:
        return None
    if not _SLUG.fullmatch(text):
        raise BadParameterError(f"{name} must be lower-case letters, digits and hyphens.")
    return text
