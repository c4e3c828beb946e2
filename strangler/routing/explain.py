"""Why a route does not take a request, in words.

The answer comes from the matching that serves traffic: the route is tried with one of its
conditions at a time, and the first that fails names the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from strangler.config.model import Match, PathKind, Rewrite, Route, ValueMatch

_PATHS = {
    PathKind.EXACT: "the path is not {}",
    PathKind.PREFIX: "the path is not under {}",
    PathKind.TEMPLATE: "the path is not like {}",
    PathKind.REGEX: "the path does not match the regex {}",
}


AMBIGUOUS_PATH = "the path can be read in ways that lead to different routes"


def unmet(route: Route, takes: Callable[[Route], bool | None]) -> str | None:
    """The first condition of `route` that fails, or None if all hold.

    `takes` says whether a table of the given route alone takes the request; None if that depends
    on how the path is read.
    """
    for part, reason in _parts(route.match):
        taken = takes(replace(route, match=part, rewrite=Rewrite()))
        if not taken:
            return AMBIGUOUS_PATH if taken is None else reason
    return None


def _parts(match: Match) -> Iterator[tuple[Match, str]]:
    if match.host is not None:
        yield Match(host=match.host), f"the host is not {match.host}"
    if match.kind is not PathKind.ANY:
        yield Match(match.kind, match.path), _PATHS[match.kind].format(match.path)
    if match.methods:
        names = ", ".join(sorted(match.methods))
        yield Match(methods=match.methods), f"the method is not one of {names}"
    for condition in match.headers:
        yield Match(headers=(condition,)), _describe("header", condition)
    for condition in match.query:
        yield Match(query=(condition,)), _describe("query parameter", condition)
    for condition in match.cookies:
        yield Match(cookies=(condition,)), _describe("cookie", condition)


def _describe(what: str, condition: ValueMatch) -> str:
    named = f"the {what} {condition.name}"
    if condition.exact is not None:
        return f"{named} is not {condition.exact!r}"
    if condition.regex is not None:
        return f"{named} does not match the regex {condition.regex}"
    return f"{named} is present" if condition.present is False else f"{named} is missing"
