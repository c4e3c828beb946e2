"""The rule that every route can be reached: no earlier or preferred route takes all its requests.

Decided exactly and only where that is possible, by the precedence that `docs/routes-yaml.md`
documents: a route that is preferred *and* at least as wide must say the same about the path (or be
a prefix above a regex, which comes later), so equal keys find it without comparing all pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

from strangler.config.model import Match, PathKind, ValueMatch
from strangler.config.regexes import literal_beginning
from strangler.config.rules.source import Source
from strangler.kit.problems import Problem

Key: TypeAlias = tuple[object, ...]
_ANY_METHOD = "*"
_MOST_VARIANTS = 16


def routes_are_reachable(source: Source) -> Iterator[Problem]:
    """A route that no request can reach is a mistake, or left over."""
    routes = source.table.routes
    taken: dict[Key, dict[str, int]] = {}
    prefixes: dict[Key, dict[str, int]] = {}
    for index, route in enumerate(routes):
        match = route.match
        if match.kind is PathKind.PREFIX:
            _take(prefixes.setdefault(_key(match), {}), match, index)
    for index, route in enumerate(routes):
        match = route.match
        covering = _covering(match, taken) or _prefix_above(match, prefixes)
        if covering:
            yield source.error(index, ("match",), _message(source, covering))
        else:
            _take(taken.setdefault(_key(match), {}), match, index)


def _message(source: Source, covering: list[int]) -> str:
    routes = [source.table.routes[index] for index in sorted(set(covering))]
    names = " and ".join(f"`{route.name}` (line {route.line})" for route in routes)
    verb = "takes" if len(routes) == 1 else "take"
    return (
        f"no request reaches this route: {names} {verb} all of them before it;"
        " remove one, or tell them apart by `methods`, `headers` or a longer path"
    )


def _methods(match: Match) -> set[str]:
    methods = set(match.methods) or {_ANY_METHOD}
    return methods | {"HEAD"} if "GET" in methods else methods


def _take(owners: dict[str, int], match: Match, index: int) -> None:
    for method in _methods(match):
        owners.setdefault(method, index)


def _covering(match: Match, taken: dict[Key, dict[str, int]]) -> list[int]:
    """Routes that say the same or less, stand before, and together take every method.

    A route with methods is preferred to one without, so each kind is only covered by its own.
    """
    for conditions in _weaker(match):
        owners = taken.get(_key(match, conditions))
        if owners and all(method in owners for method in _methods(match)):
            return [owners[method] for method in _methods(match)]
    return []


def _prefix_above(match: Match, prefixes: dict[Key, dict[str, int]]) -> list[int]:
    """Prefixes are tried before regexes and before routes without a path."""
    if not prefixes or match.kind not in {PathKind.REGEX, PathKind.ANY}:
        return []
    for above in _prefixes_of(match):
        for conditions in _subsets(match):
            owners = prefixes.get((match.host, PathKind.PREFIX, above, conditions), {})
            if _ANY_METHOD in owners:
                return [owners[_ANY_METHOD]]
            if match.methods and all(method in owners for method in _methods(match)):
                return [owners[method] for method in _methods(match)]
    return []


def _prefixes_of(match: Match) -> list[bytes]:
    """Every prefix under which all paths of a match lie."""
    text, whole = ("/", False) if match.kind is PathKind.ANY else literal_beginning(match.path)
    if not text.startswith("/") or "%" in text:
        return []
    segments = text.encode().split(b"/")
    complete = segments if whole else segments[:-1]
    return [b"/".join(complete[:length]) for length in range(1, len(complete) + 1)]


def _key(match: Match, conditions: Key | None = None) -> Key:
    said = _conditions(match) if conditions is None else conditions
    return (match.host, match.kind, _canonical(match), said)


def _conditions(match: Match) -> Key:
    return tuple(frozenset(part) for part in (match.headers, match.query, match.cookies))


def _weaker(match: Match) -> Iterator[Key]:
    """The conditions themselves, and as many of them that ask only for presence."""
    yield _conditions(match)
    asked = [*match.headers, *match.query, *match.cookies]
    if not asked or 2 ** len(asked) > _MOST_VARIANTS:
        return
    for chosen in product(*(_implied(condition) for condition in asked)):
        headers, query = len(match.headers), len(match.headers) + len(match.query)
        parts = (chosen[:headers], chosen[headers:query], chosen[query:])
        yield tuple(frozenset(part) for part in parts)


def _implied(condition: ValueMatch) -> tuple[ValueMatch, ...]:
    if condition.present is not None:
        return (condition,)
    return (condition, ValueMatch(condition.name, present=True))


def _subsets(match: Match) -> Iterator[Key]:
    """None of the conditions, or all of them: what a prefix above usually says."""
    yield (frozenset(), frozenset(), frozenset())
    yield _conditions(match)


def _canonical(match: Match) -> bytes:
    """A path's text, so that two spellings of one path are one."""
    if match.kind is PathKind.REGEX:
        return match.path.encode()
    if match.kind is PathKind.ANY:
        return b""
    text = re.sub(
        rb"%(?!25)([0-9A-Fa-f]{2})",
        lambda found: bytes.fromhex(found[1].decode()),
        match.path.encode(),
    )
    if match.kind is PathKind.TEMPLATE:
        return re.sub(rb"\{[^{}/]*\}", b"{}", text)
    return text.removesuffix(b"/") if match.kind is PathKind.PREFIX else text
