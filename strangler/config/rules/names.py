"""Rules about names: each route has its own, and a group is meant when its name is used."""

from __future__ import annotations

from collections.abc import Iterator

from strangler.config.rules.source import Source
from strangler.kit.problems import Problem


def unique_route_names(source: Source) -> Iterator[Problem]:
    """Commands, metrics and logs name a route by its name alone."""
    first: dict[str, int] = {}
    for index, route in enumerate(source.table.routes):
        line = first.setdefault(route.name, route.line)
        if line != route.line:
            yield source.error(
                index,
                ("name",),
                f"a route on line {line} is called `{route.name}` too: rename one of the two",
            )


def groups_are_meant(source: Source) -> Iterator[Problem]:
    """A route without `group:` is a group of its own, so its name must not be another group's."""
    named = {route.group: route for route in source.table.routes if route.group != route.name}
    for index, route in enumerate(source.table.routes):
        other = named.get(route.name)
        if other is not None and route.group == route.name:
            has_group = any(key.raw == "group" for key, _ in source.route_nodes[index].entries)
            if not has_group:
                yield source.error(
                    index,
                    ("name",),
                    f"`{route.name}` is also the group of `{other.name}` (line {other.line}):"
                    f" write `group: {route.name}` if this route belongs to it, or rename it",
                )
