"""YAML text as nodes that remember where they stand.

Built from the parser's events rather than by a loader, because a loader drops duplicate keys,
turns `off` into False and `12.50` into a float, and forgets the lines. Scalars stay text; what
a text means is for the reader of that place to say. The C parser is used where it is installed
(ten times quicker), with the same result otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Protocol, TypeAlias

import yaml

_CREDENTIALS = re.compile(r"//\S*@")


class Mark(Protocol):
    """A place in the text; all three count from 0, in characters."""

    index: int
    line: int
    column: int


class _Placed:
    """A node's place, as [start, end) in the text."""

    __slots__ = ("anchor", "end", "start")

    def __init__(self, start: Mark, end: Mark, anchor: str | None) -> None:
        self.start = start
        self.end = end
        self.anchor = anchor
        """The name after `&`, by which aliases repeat the node."""

    @property
    def line(self) -> int:
        """1-based."""
        return self.start.line + 1

    @property
    def column(self) -> int:
        """1-based, in characters."""
        return self.start.column + 1


class Scalar(_Placed):
    """A text. `raw` is as written, `text` has its `${NAME}` references replaced."""

    __slots__ = ("broken", "quote", "raw", "text")

    def __init__(self, start: Mark, end: Mark, anchor: str | None, text: str, quote: str) -> None:
        super().__init__(start, end, anchor)
        self.raw = text
        self.text = text
        self.quote = quote
        """`'`, `"`, `|` or `>`; empty for a plain text."""
        self.broken = False
        """A reference in it could not be replaced; that was reported where it was tried."""

    @property
    def is_null(self) -> bool:
        """Nothing was written, or one of YAML's words for nothing."""
        return not self.quote and self.raw in {"", "~", "null", "Null", "NULL"}

    @property
    def shown(self) -> str:
        """The text as a message may show it: no variable's value, no password of a URL."""
        text = _CREDENTIALS.sub("//...@", self.raw)
        text = text if len(text) <= 60 else f"{text[:57]}..."
        return f"`{text}`"


class Mapping(_Placed):
    """Keys with values, in file order; keys are unique."""

    __slots__ = ("entries", "flow")

    def __init__(self, start: Mark, end: Mark, anchor: str | None, flow: bool) -> None:
        super().__init__(start, end, anchor)
        self.entries: list[tuple[Scalar, Node]] = []
        self.flow = flow

    def get(self, key: str) -> Node | None:
        """The value of a key, or None."""
        return next((value for name, value in self.entries if name.raw == key), None)


class Sequence(_Placed):
    """Items in file order."""

    __slots__ = ("flow", "items")

    def __init__(self, start: Mark, end: Mark, anchor: str | None, flow: bool) -> None:
        super().__init__(start, end, anchor)
        self.items: list[Node] = []
        self.flow = flow


Node: TypeAlias = Scalar | Mapping | Sequence


def described(node: Node) -> str:
    """What a node is, for messages."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    return "nothing" if node.is_null else node.shown


def events(text: str) -> Iterator[Any]:
    """The parser's events; raises yaml.YAMLError."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return iter(yaml.parse(text, Loader=loader))


def walk(node: Node, *path: str | int) -> Node:
    """The node at a path of keys and indices, or the deepest that is there."""
    for step in path:
        inner: Node | None = None
        if isinstance(node, Mapping) and isinstance(step, str):
            inner = node.get(step)
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            inner = node.items[step]
        if inner is None:
            return node
        node = inner
    return node
