"""Where shapes put what they find wrong while they read nodes."""

from __future__ import annotations

from collections.abc import Mapping

from strangler.kit.nodes import Node, Scalar, described
from strangler.kit.problems import Problem, Severity


class Reader:
    """Collects problems, and knows the names that references may name."""

    __slots__ = ("errors", "names", "problems")

    def __init__(self, names: Mapping[str, frozenset[str]] | None = None) -> None:
        self.problems: list[Problem] = []
        self.errors = 0
        """How many of the problems are errors."""
        self.names = names or {}
        """What is defined in the file, by section; nothing is unknown in a section that is not
        there, as that is a problem of its own."""

    def error(self, node: Node, message: str) -> None:
        """Something that stops the file from being used."""
        self.errors += 1
        self.problems.append(Problem(node.line, node.column, message))

    def warn(self, node: Node, message: str) -> None:
        """Something that works, but probably not as meant."""
        self.problems.append(Problem(node.line, node.column, message, Severity.WARNING))

    def text(self, node: Node, wanted: str) -> str | None:
        """The text of a scalar; anything else is an error that says what is wanted."""
        if type(node) is Scalar and not node.is_null:
            if not node.broken:
                return node.text
            self.errors += 1
            return None
        self.error(node, f"found {described(node)}, but {wanted} belongs here")
        return None
