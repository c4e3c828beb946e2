"""What a rule looks at: the table, and the text's nodes for the places of its problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from strangler.config.model import Route, Split, Table
from strangler.kit.nodes import Mapping, Node, walk
from strangler.kit.problems import Problem, Severity

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""RFC 9110, section 9.2.1."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table with the nodes it was read from. Routes with problems of their own are left out."""

    table: Table
    root: Node
    route_nodes: tuple[Mapping, ...]
    """Parallel to `table.routes`."""

    def error(self, route: int, path: tuple[str, ...], message: str) -> Problem:
        """A problem at something in a route, or at the nearest thing around it."""
        return _problem(walk(self.route_nodes[route], *path), message)

    def warning(self, route: int, path: tuple[str, ...], message: str) -> Problem:
        """As `error`, for what works but is probably not meant."""
        node = walk(self.route_nodes[route], *path)
        return _problem(node, message, Severity.WARNING)

    def elsewhere(
        self, path: tuple[str, ...], message: str, severity: Severity = Severity.ERROR
    ) -> Problem:
        """A problem at something outside the routes."""
        return _problem(walk(self.root, *path), message, severity)


Rule: TypeAlias = Callable[[Source], Iterator[Problem]]
"""One thing that must hold across the table."""


def is_split(route: Route) -> bool:
    """Whether requests of a route go to more than one upstream."""
    return isinstance(route.action, Split) and sum(1 for _, n in route.action.shares if n) > 1


def may_write(route: Route) -> bool:
    """Whether a route takes any unsafe method."""
    return not route.match.methods or not route.match.methods <= SAFE_METHODS


def may_read(route: Route) -> bool:
    """Whether a route takes any safe method."""
    return not route.match.methods or bool(route.match.methods & SAFE_METHODS)


def _problem(node: Node, message: str, severity: Severity = Severity.ERROR) -> Problem:
    return Problem(node.line, node.column, message, severity)
