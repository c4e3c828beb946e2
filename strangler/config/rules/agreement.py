"""The rule that routes of a group agree: page, assets and API of one thing move together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from strangler.config.model import Group, Route, Split
from strangler.config.rules.source import Source, may_read, may_write
from strangler.kit.problems import Problem

_PHASES: tuple[tuple[str, Callable[[Route], bool]], ...] = (
    ("reads", may_read),
    ("writes", may_write),
)


def groups_agree(source: Source) -> Iterator[Problem]:
    """Within a phase (reads, writes) all routes of a group have the same split and old side.

    Identity, lists, force and kill are said once for a group, so they cannot differ here.
    """
    reported: set[int] = set()
    for phase, takes_part in _PHASES:
        first: dict[str, Route] = {}
        for index, route in enumerate(source.table.routes):
            if not isinstance(route.action, Split) or not takes_part(route):
                continue
            other = first.setdefault(route.group, route)
            group = source.table.groups[route.group]
            if other.name == route.name or index in reported:
                continue
            if _sides(route, group) != _sides(other, group):
                reported.add(index)
                yield source.error(index, ("split",), _message(phase, route, other))


def _message(phase: str, route: Route, other: Route) -> str:
    return (
        f"the {phase} of the group `{route.group}` are split in another way by `{other.name}`"
        f" (line {other.line}): write the same shares and `old` on both, or take one of them out"
        " of the group"
    )


def _sides(route: Route, group: Group) -> tuple[str, tuple[tuple[str, int], ...]]:
    """What decides who goes where: the old side takes the rest, a share of 0 nobody by bucket.

    Lists and forced headers reach a side with a share of 0 too, so there it counts.
    """
    shares = route.action.shares if isinstance(route.action, Split) else ()
    reached = bool(group.allow or group.force.header or group.force.cookie)
    others = tuple((name, n) for name, n in shares if name != route.old and (n or reached))
    return route.old, others
