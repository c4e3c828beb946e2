"""Warnings: what works, but seldom as its author means. Printed, never an error."""

from __future__ import annotations

from collections.abc import Iterator

from strangler.config.model import IdentityKind, IdentitySource, PathKind, Route
from strangler.config.rules.source import Source, is_split
from strangler.kit.problems import Problem, Severity

_SESSION = IdentitySource(IdentityKind.COOKIE, "sessionid")


def identity_is_stable(source: Source) -> Iterator[Problem]:
    """Users must stay where they were put, so their identity must not change on the way."""
    for name, group in source.table.groups.items():
        advice = None
        if _SESSION in group.identity:
            advice = (
                "Django gives out a new `sessionid` at login, so users change sides then:"
                " use `proxy_cookie`, which stays"
            )
        elif len(group.identity) > 1:
            advice = (
                "a user changes sides when a source appears that stands before the one used so"
                " far (at login, say): name one source"
            )
        if advice:
            yield _at_group(source, name, "identity", advice)


def lists_name_somebody(source: Source) -> Iterator[Problem]:
    """A random identity is nobody's."""
    for name, group in source.table.groups.items():
        if any(one.kind is not IdentityKind.RANDOM for one in group.identity):
            continue
        for key in ("allow", "deny"):
            if getattr(group, key):
                yield _at_group(
                    source,
                    name,
                    key,
                    "the identity is random, so this list names nobody:"
                    " use `cookie:NAME` or `header:NAME`",
                )


def neighbours_move_together(source: Source) -> Iterator[Problem]:
    """Of two splits below one prefix, each draws its own buckets unless they share a group."""
    split = [(i, route) for i, route in enumerate(source.table.routes) if is_split(route)]
    by_path: dict[str, Route] = {}
    for _, route in split:
        by_path.setdefault(_literal(route), route)
    for index, route in split:
        above = _nearest_above(route, by_path)
        if above is not None:
            yield source.warning(
                index,
                ("group",) if route.group != route.name else ("name",),
                f"`{above.name}` (line {above.line}) splits the same paths in another group, so a"
                " user may get one from the old side and the other from the new: give both one"
                " `group:`",
            )


def _literal(route: Route) -> str:
    """The path up to the first segment that is not plain text, without a trailing slash."""
    match = route.match
    if match.kind in {PathKind.REGEX, PathKind.ANY}:
        return ""
    return match.path.partition("{")[0].rstrip("/")


def _nearest_above(route: Route, by_path: dict[str, Route]) -> Route | None:
    """A split of another group on the same path or on one above it, the root left out."""
    path = _literal(route)
    while path:
        other = by_path.get(path)
        if other is not None and other.group != route.group:
            return other
        path = path.rpartition("/")[0]
    return None


def _at_group(source: Source, name: str, key: str, message: str) -> Problem:
    """At the key under `groups:` or on the route that says it."""
    for index, route in enumerate(source.table.routes):
        if route.group == name and source.route_nodes[index].get(key) is not None:
            return source.warning(index, (key,), message)
    return source.elsewhere(("groups", name, key), message, Severity.WARNING)
