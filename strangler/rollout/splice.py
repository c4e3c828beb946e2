"""Bringing a text to given data by taking over the blocks of another text.

Everything that differs between a text and the merged data was taken from the live text, so each
edit is a piece of the live text put into, or a piece cut out of, the text at hand. Blocks are
whole lines with the comment lines right above them; single values are replaced where they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from strangler.kit.nodes import Mapping, Node, Scalar, Sequence
from strangler.rollout.document import BYTE_ORDER_MARK, Document, Value, data_of, parse

Edit: TypeAlias = tuple[int, int, str]
"""Characters [start, end) of the text and what takes their place."""


class _CannotError(Exception):
    """No splice of blocks leads there."""


@dataclass(frozen=True, slots=True)
class _Block:
    """One entry of a block mapping or one named item of a block list."""

    name: str
    value: Node
    column: int
    start: int
    """Of its first line, the comments above included."""
    end: int
    """Behind its last line."""
    dashed: bool
    """It stands behind the dash of a list's item, so it cannot be cut out by lines."""


@dataclass(frozen=True, slots=True)
class _Side:
    """A text and what stands in it."""

    text: str

    def blocks(self, node: Node) -> list[_Block]:
        """The entries of a container; raises _CannotError for one that is not in block style."""
        if isinstance(node, Scalar) or node.flow:
            raise _CannotError
        if isinstance(node, Mapping):
            heads = [(key.raw, value, key.start.index) for key, value in node.entries]
        else:
            heads = [(_name(item), item, self._dash(item)) for item in node.items]
        return [self._block(name, value, at) for name, value, at in heads]

    def source(self, node: Node) -> str | None:
        """The text of a value that stands within its line or brackets; None for blocks."""
        if isinstance(node, Scalar) and (node.is_null or self.text[node.start.index] in "|>"):
            return None
        if isinstance(node, Mapping | Sequence) and not node.flow:
            return None
        return self.text[node.start.index : node.end.index]

    def _block(self, name: str, value: Node, at: int) -> _Block:
        line = self.text.rfind("\n", 0, at) + 1
        column = at - line
        before = self.text[line:at].strip()
        dashed = before == "-"
        if before and not dashed:
            raise _CannotError
        newline = self.text.find("\n", self._content_end(value, at))
        end = len(self.text) if newline < 0 else newline + 1
        start = at if dashed else self._with_comments(line, column)
        return _Block(name, value, column, start, end, dashed)

    def _dash(self, item: Node) -> int:
        dash = self.text.rfind("-", 0, item.start.index)
        if dash < 0 or self.text[dash + 1 : item.start.index].strip():
            raise _CannotError
        return dash

    def _content_end(self, node: Node, at_least: int) -> int:
        if isinstance(node, Mapping) and not node.flow and node.entries:
            key, value = node.entries[-1]
            return self._content_end(value, key.end.index)
        if isinstance(node, Sequence) and not node.flow and node.items:
            return self._content_end(node.items[-1], at_least)
        end = node.end.index
        while end > at_least and self.text[end - 1].isspace():
            end -= 1
        return max(end, at_least)

    def _with_comments(self, line: int, column: int) -> int:
        while line > 0:
            above = self.text.rfind("\n", 0, line - 1) + 1
            shown = self.text[above:line].rstrip()
            if not shown.startswith(" " * column + "#"):
                return line
            line = above
        return line


def bring_to(mine: str, live: str, merged: Document) -> str | None:
    """`mine` with pieces of `live` so that it says `merged`; None where no splice leads there.

    Lists whose items all have a `name` count as mappings by name, as `merged` has them.
    """
    if mine.startswith(BYTE_ORDER_MARK):
        brought = bring_to(mine.removeprefix(BYTE_ORDER_MARK), live, merged)
        return None if brought is None else f"{BYTE_ORDER_MARK}{brought}"
    live = live.removeprefix(BYTE_ORDER_MARK)
    mine_root, live_root = parse(mine)[0], parse(live)[0]
    if _anchored(mine_root) or _anchored(live_root):
        return None
    splicer = _Splicer(_Side(mine if mine.endswith("\n") else f"{mine}\n"), _Side(live))
    try:
        splicer.container(mine_root, live_root, merged)
    except _CannotError:
        return None
    return _applied(splicer.mine.text, splicer.edits)


class _Splicer:
    def __init__(self, mine: _Side, live: _Side) -> None:
        self.mine = mine
        self.live = live
        self.edits: list[Edit] = []

    def container(self, mine: Node, live: Node, merged: Document) -> None:
        """Edit the entries of a container of `mine`."""
        blocks = self.mine.blocks(mine)
        theirs = {block.name: block for block in self.live.blocks(live)}
        for block in blocks:
            if block.name not in merged:
                self.edits.append((*_lines(block), ""))
            elif _named_data(block.value) != merged[block.name]:
                self._entry(block, theirs.get(block.name), merged[block.name])
        self._insert(blocks, list(theirs.values()), merged)

    def _entry(self, mine: _Block, live: _Block | None, merged: Value) -> None:
        if live is None:
            raise _CannotError
        done = len(self.edits)
        try:
            if not isinstance(merged, dict):
                raise _CannotError
            self.container(mine.value, live.value, merged)
        except _CannotError:
            del self.edits[done:]
            if _named_data(live.value) != merged:
                raise
            self._replace(mine, live)

    def _replace(self, mine: _Block, live: _Block) -> None:
        ours, theirs = self.mine.source(mine.value), self.live.source(live.value)
        if ours is not None and theirs is not None:
            self.edits.append((mine.value.start.index, mine.value.end.index, theirs))
        else:
            self.edits.append((*_lines(mine), self._taken(live, mine.column)))

    def _insert(self, mine: list[_Block], live: list[_Block], merged: Document) -> None:
        ours = {block.name: block for block in mine}
        if not mine:
            raise _CannotError
        place = mine[0].end if mine[0].dashed else mine[0].start
        for block in live:
            if block.name in ours:
                place = ours[block.name].end
            elif block.name in merged:
                self.edits.append((place, place, self._taken(block, mine[0].column)))

    def _taken(self, live: _Block, column: int) -> str:
        text = " " * (live.column if live.dashed else 0) + self.live.text[live.start : live.end]
        lines = (text if text.endswith("\n") else f"{text}\n").splitlines(keepends=True)
        return "".join(_shifted(line, column - live.column) for line in lines)


def _lines(block: _Block) -> tuple[int, int]:
    """[start, end) of a block of whole lines."""
    if block.dashed:
        raise _CannotError
    return block.start, block.end


def _shifted(line: str, by: int) -> str:
    if not line.strip():
        return line
    return " " * by + line if by >= 0 else line[-by:]


def _applied(text: str, edits: list[Edit]) -> str:
    """Edits from the back, so that places stay true; of two at one place the later one first."""
    for _, (start, end, put) in sorted(enumerate(edits), key=_place, reverse=True):
        text = text[:start] + put + text[end:]
    return text


def _place(numbered: tuple[int, Edit]) -> tuple[int, int, int]:
    number, (start, end, _) = numbered
    return start, end, number


def _named_data(node: Node) -> Value:
    """The node's data, a list of named items as a mapping by name."""
    if isinstance(node, Sequence) and node.items and all(_name(item) for item in node.items):
        return {_name(item): data_of(item) for item in node.items}
    return data_of(node)


def _name(item: Node) -> str:
    name = item.get("name") if isinstance(item, Mapping) else None
    return name.raw if isinstance(name, Scalar) else ""


def _anchored(node: Node) -> bool:
    return node.anchor is not None or any(_anchored(inner) for inner in _inner(node))


def _inner(node: Node) -> Iterator[Node]:
    if isinstance(node, Mapping):
        yield from (value for _, value in node.entries)
    elif isinstance(node, Sequence):
        yield from node.items
