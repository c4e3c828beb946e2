"""What a rule looks at: the table, and the text's nodes for the places of its problems."""

from __future__ import annotations

from dataclasses import dataclass

from strangler.config.model import Table
from strangler.kit.nodes import Mapping, Node, walk


@dataclass(frozen=True, slots=True)
class Source:
    """A table with the nodes it was read from. Routes with problems of their own are left out."""

    table: Table
    root: Node
    route_nodes: tuple[Mapping, ...]
    """Parallel to `table.routes`."""

    def at(self, route: int, *path: str | int) -> Node:
        """The node of something in a route, or the nearest around it."""
        return walk(self.route_nodes[route], *path)
