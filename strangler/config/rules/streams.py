"""Rules about streams: writes of a group whose data is copied go to one side, its owner.

Who owns a group's data is a fact of the store, not of the file, so `check_owners` takes it as an
argument; the rest can be said about the file alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, cast

from strangler.config.model import Route, Split, Table
from strangler.config.rules.source import Source, may_write
from strangler.kit.databases import database_of
from strangler.kit.problems import Problem


class StreamLike(Protocol):
    """What is looked at of a stream, whoever parsed it."""

    source: str
    target: str | None


def writes_have_one_side(source: Source) -> Iterator[Problem]:
    """A split would spread the writes of one table over two databases."""
    synced = synced_groups(source.table)
    for index, route in enumerate(source.table.routes):
        if route.group in synced and may_write(route) and len(_written(route, source.table)) > 1:
            yield source.error(
                index,
                ("split",),
                f"the group `{route.group}` has streams, so its writes go to one upstream: give"
                " this route `methods: [GET, HEAD]`, and the writes a route of their own with"
                " `upstream:`",
            )


def streams_have_own_databases(source: Source) -> Iterator[Problem]:
    """Two services with one database are a monolith with a network inside."""
    streams = cast("Mapping[str, StreamLike]", source.table.sections.get("sync") or {})
    filled = _filled_by(source.table)
    first: dict[str, tuple[str, frozenset[str]]] = {}
    for name, stream in streams.items():
        if stream.target is None:
            continue
        target = database_of(stream.target)
        if target == database_of(stream.source):
            yield source.elsewhere(
                ("sync", name, "target"),
                "the target is the source itself: name the new service's own database",
            )
        sides = filled.get(name, frozenset())
        other, other_sides = first.setdefault(target, (name, sides))
        if other != name and sides and other_sides and len(sides | other_sides) > 1:
            yield source.elsewhere(
                ("sync", name, "target"),
                f"`{other}` and `{name}` fill one database for two upstreams"
                f" ({', '.join(sorted(sides | other_sides))}):"
                " give each its own, or they cannot be changed apart",
            )


def check_owners(table: Table, owners: Mapping[str, str]) -> list[Problem]:
    """Every route that would send writes of a group with streams anywhere but to the data's owner.

    `owners` maps groups to upstreams; a group that is not there is owned by its old side.
    """
    problems = []
    for name in sorted(synced_groups(table)):
        routes = [route for route in table.routes if route.group == name]
        owner = owners.get(name, routes[0].old)
        problems += [
            _not_to_owner(route, owner)
            for route in routes
            if may_write(route) and _written(route, table) - {owner}
        ]
        if owner != table.default and not any(_takes_writes(route) for route in routes):
            problems.append(_falls_to_default(routes[0], owner, table.default))
    return sorted(problems)


def synced_groups(table: Table) -> frozenset[str]:
    """Groups with streams."""
    return frozenset(route.group for route in table.routes if route.sync)


def _written(route: Route, table: Table) -> frozenset[str]:
    """Upstreams that writes of a route can reach; lists and forced headers act on reads only."""
    if not isinstance(route.action, Split):
        return frozenset()
    if table.groups[route.group].kill:
        return frozenset({route.old})
    return frozenset(name for name, share in route.action.shares if share)


def _takes_writes(route: Route) -> bool:
    return may_write(route) and isinstance(route.action, Split)


def _filled_by(table: Table) -> dict[str, frozenset[str]]:
    """The new sides that each stream keeps in step."""
    filled: dict[str, frozenset[str]] = {}
    for route in table.routes:
        shares = route.action.shares if isinstance(route.action, Split) else ()
        sides = frozenset(name for name, _ in shares if name != route.old)
        for stream in route.sync:
            filled[stream] = filled.get(stream, frozenset()) | sides
    return filled


def _not_to_owner(route: Route, owner: str) -> Problem:
    return Problem(
        route.line,
        route.column,
        f"`{route.name}` would send writes elsewhere than to `{owner}`, which owns the data of the"
        f" group `{route.group}`: leave them there; `strangler cutover {route.group}` moves both",
    )


def _falls_to_default(route: Route, owner: str, default: str) -> Problem:
    return Problem(
        route.line,
        route.column,
        f"no route of the group `{route.group}` takes writes, so they go to `{default}`, but"
        f" `{owner}` owns its data: add a route with the unsafe methods and `upstream: {owner}`",
    )
