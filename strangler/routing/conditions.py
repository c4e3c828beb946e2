"""Conditions of a match beside host, path and method: headers, query parameters, cookies."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from strangler.config.model import Match, ValueMatch
from strangler.routing.fields import Headers, cookie_values, header_values, query_values

Test = Callable[[list[bytes]], bool]
"""Whether the values of one name satisfy a condition."""


def text_matcher(pattern: str) -> Callable[[bytes], bool]:
    """A test that the whole of some bytes, read as UTF-8, matches a regular expression.

    `.` matches a newline too: `/admin/.*` must not be dodged with `%0A`. Bytes that are not UTF-8
    are lone surrogates to the expression, so this never raises. Raises re.error when compiled.
    """
    fullmatch = re.compile(pattern, re.DOTALL).fullmatch
    return lambda value: fullmatch(value.decode("utf-8", "surrogateescape")) is not None


def _test(match: ValueMatch) -> Test:
    if match.exact is not None:
        exact = match.exact.encode("utf-8", "surrogateescape")
        return lambda values: exact in values
    if match.regex is not None:
        matches = text_matcher(match.regex)
        return lambda values: any(map(matches, values))
    wanted = match.present is not False
    return lambda values: bool(values) is wanted


def _tests(matches: Sequence[ValueMatch]) -> tuple[tuple[bytes, Test], ...]:
    return tuple((match.name.encode("utf-8", "surrogateescape"), _test(match)) for match in matches)


class Conditions:
    """The header, query and cookie conditions of one match. All must hold."""

    __slots__ = ("_cookies", "_headers", "_query")

    def __init__(self, match: Match) -> None:
        self._headers = tuple((name.lower(), test) for name, test in _tests(match.headers))
        self._query = _tests(match.query)
        self._cookies = _tests(match.cookies)

    def hold(self, query: bytes, headers: Headers) -> bool:
        """Whether a request with this query and these raw headers satisfies every condition."""
        for name, test in self._headers:
            if not test(header_values(headers, name)):
                return False
        for name, test in self._query:
            if not test(query_values(query, name)):
                return False
        if self._cookies:
            cookie = b";".join(header_values(headers, b"cookie"))
            return all(test(cookie_values(cookie, name)) for name, test in self._cookies)
        return True
