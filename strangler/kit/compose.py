"""One YAML document as a tree of nodes, or the problems that prevent it.

Aliases are kept as shared nodes, but what they would unfold to is counted against a budget, so
that a small file cannot become a huge one ("billion laughs"). Merge keys and tags are refused:
both make a file mean something else than what a reviewer sees.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from typing import Any, ClassVar

import yaml

from strangler.kit.environment import expand
from strangler.kit.nodes import Mapping, Mark, Node, Scalar, Sequence, events
from strangler.kit.problems import Problem
from strangler.kit.syntax import syntax_problem

MAX_NODES = 2_000_000
"""Nodes of a document with its aliases unfolded; about 100,000 routes."""
MAX_DEPTH = 40


class _RefusedError(Exception):
    """The document cannot be read on from here."""


def compose(
    text: str, env: MappingOf[str, str], *, max_nodes: int = MAX_NODES
) -> tuple[Node | None, list[Problem]]:
    """The document's root (None if there is none or YAML itself is broken) and the problems."""
    composer = _Composer(env, max_nodes)
    try:
        for event in events(text):
            composer.feed(event)
    except _RefusedError:
        composer.root = None
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        composer.root = None
        composer.problems.append(syntax_problem(error, text))
    else:
        composer.finish()
    return composer.root, composer.problems


class _Composer:
    """Builds the tree event by event."""

    def __init__(self, env: MappingOf[str, str], max_nodes: int) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._env = env
        self._max_nodes = max_nodes
        self._count = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int] | None] = {}

    def feed(self, event: Any) -> None:
        """Take one event."""
        handler = self._HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def finish(self) -> None:
        """An empty document is a problem of its own."""
        root = self.root
        if root is None or (isinstance(root, Scalar) and root.is_null):
            self.root = None
            self.problems.append(
                Problem(1, 1, "the file is empty: `strangler init` writes a first one")
            )

    def _document(self, event: Any) -> None:
        if self.root is not None:
            self._refuse(
                event.start_mark,
                "a second document begins here: keep one document and remove the line `---`",
            )

    def _scalar(self, event: Any) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        node = Scalar(
            event.start_mark, event.end_mark, event.anchor, event.value, event.style or ""
        )
        if "${" in event.value and not self._expects_key():
            expand(node, self._env, self.problems)
        self._add(node)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 1)

    def _start_mapping(self, event: Any) -> None:
        self._start(
            event, Mapping(event.start_mark, event.end_mark, event.anchor, event.flow_style)
        )

    def _start_sequence(self, event: Any) -> None:
        self._start(
            event, Sequence(event.start_mark, event.end_mark, event.anchor, event.flow_style)
        )

    def _start(self, event: Any, node: Mapping | Sequence) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        if len(self._open) >= MAX_DEPTH:
            self._refuse(event.start_mark, f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Open(node, self._count))

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        done.node.end = event.end_mark
        self._add(done.node)
        if done.node.anchor is not None:
            self._anchors[done.node.anchor] = (done.node, self._count - done.count)

    def _alias(self, event: Any) -> None:
        known = self._anchors.get(event.anchor)
        if known is None:
            why = (
                "stands inside what it names"
                if event.anchor in self._anchors
                else f"has no anchor `&{event.anchor}` before it"
            )
            self._refuse(event.start_mark, f"the alias `*{event.anchor}` {why}")
        else:
            node, size = known
            self._count += size - 1
            self._add(node, event)

    def _add(self, node: Node, alias: Any = None) -> None:
        """Put a node where it belongs; `alias` is the event that stands for it there."""
        self._count += 1
        message = None
        if self._count > self._max_nodes:
            message = f"more than {self._max_nodes:,} values, aliases unfolded: write less"
        elif self._open:
            message = self._open[-1].add(node)
        else:
            self.root = node
        if message is None:
            return
        mark = alias and alias.start_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (node.line, node.column)
        self.problems.append(Problem(line, column, message))
        if self._count > self._max_nodes:
            raise _RefusedError

    def _expects_key(self) -> bool:
        return bool(self._open) and self._open[-1].expects_key()

    def _refuse_tag(self, event: Any) -> None:
        self._refuse(event.start_mark, f"the tag `{event.tag}` has no meaning here: remove it")

    def _refuse(self, mark: Mark, message: str) -> None:
        self.problems.append(Problem(mark.line + 1, mark.column + 1, message))
        raise _RefusedError

    # Functions, not bound methods: a composer that held itself would keep its tree alive.
    _HANDLERS: ClassVar = {
        yaml.ScalarEvent: _scalar,
        yaml.MappingStartEvent: _start_mapping,
        yaml.SequenceStartEvent: _start_sequence,
        yaml.MappingEndEvent: _end,
        yaml.SequenceEndEvent: _end,
        yaml.AliasEvent: _alias,
        yaml.DocumentStartEvent: _document,
    }


class _Open:
    """A mapping or list whose end has not been reached."""

    __slots__ = ("count", "key", "lines", "node", "skip")

    def __init__(self, node: Mapping | Sequence, count: int) -> None:
        self.node = node
        self.count = count
        """Nodes counted before this one."""
        self.key: Scalar | None = None
        self.skip = False
        """The next value belongs to a key that was refused."""
        self.lines: dict[str, int] = {}

    def expects_key(self) -> bool:
        return isinstance(self.node, Mapping) and self.key is None and not self.skip

    def add(self, node: Node) -> str | None:
        """Take an item, a key or a value; the message if it cannot stand here."""
        if isinstance(self.node, Sequence):
            self.node.items.append(node)
        elif self.skip:
            self.skip = False
        elif self.key is None:
            return self._take_key(node)
        else:
            self.node.entries.append((self.key, node))
            self.key = None
        return None

    def _take_key(self, node: Node) -> str | None:
        message = self._refused_key(node)
        if message is None and isinstance(node, Scalar):
            self.lines[node.raw] = node.line
            self.key = node
        else:
            self.skip = True
        return message

    def _refused_key(self, node: Node) -> str | None:
        if not isinstance(node, Scalar):
            return (
                "a key must be a plain text: put quotes around a text that begins with `{` or `[`"
            )
        if node.raw == "<<" and not node.quote:
            return "merge keys (`<<`) are not read: write the keys out, or set them under `groups:`"
        if node.raw in self.lines:
            return (
                f"the key {node.shown} was already written on line {self.lines[node.raw]}:"
                " keep one of the two"
            )
        return None
