"""A YAML file cut into pieces that can each be read alone, so that a change costs what it changed.

Composing a table of 10,000 routes takes half a second, and one command looks at several texts that
differ in a line or two. Files are cut where people break lines: before each top-level key, and
before each item of a list. Whether a cut was right shows when the pieces are read (`alone` and
`read_items` say so); whatever is written in another way is read whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Many
from itertools import pairwise
from typing import NamedTuple

import yaml

from strangler.kit.compose import compose
from strangler.kit.nodes import Mapping, Node, Sequence, events

_KEY = re.compile(r"^([A-Za-z_][A-Za-z0-9_-]*):(?=\s|\Z)", re.MULTILINE)
_DOCUMENT = re.compile(r"^(?:---|\.\.\.)(?=\s|\Z)", re.MULTILINE)
_FIRST_ITEM = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n)*( *)-(?=[ \t\r\n])")
_AROUND = (yaml.StreamStartEvent, yaml.StreamEndEvent)
_ANCHOR = re.compile(r"(?:^|[\s\[{,])&\S", re.MULTILINE)


class _AnyVariable(dict[str, str]):
    """An environment in which every variable is set: here only the references matter."""

    def __missing__(self, name: str) -> str:
        return ""

    def get(self, key: str, default: object = None) -> str:  # noqa: ARG002
        return ""


ANY_VARIABLE = _AnyVariable()


class Piece(NamedTuple):
    """A part of a text."""

    start: int
    text: str


def sections(text: str) -> dict[str, Piece] | None:
    """The top-level keys with all that stands under them; None if they cannot be told apart."""
    found = list(_KEY.finditer(text))
    if not found or _DOCUMENT.search(text):
        return None
    if not _is_bare(text[: found[0].start()]):
        return None
    ends = [*(match.start() for match in found), len(text)]
    pieces = {
        match[1]: Piece(start, text[start:end])
        for match, (start, end) in zip(found, pairwise(ends), strict=True)
    }
    return pieces if len(pieces) == len(found) else None


def items(section: Piece) -> list[Piece] | None:
    """The items of a section that is a list with one item a line or more; None for another."""
    body = section.text[section.text.index(":") + 1 :]
    first = _FIRST_ITEM.match(body)
    if first is None or not _is_bare(body[: first.start(1)]):
        return None
    offset = section.start + len(section.text) - len(body)
    begin = re.compile(rf"^{first[1]}-(?=[ \t\r\n])", re.MULTILINE)
    starts = [match.start() for match in begin.finditer(body, first.start(1))]
    return [Piece(offset + a, body[a:b]) for a, b in pairwise([*starts, len(body)])]


def _is_bare(text: str) -> bool:
    """Whether YAML's reader finds nothing in a text but comments and empty lines.

    Text in front of a cut is in no piece, so nobody else would see what the reader refuses there
    (a tab before a comment, a control character) or takes for a line (U+2028 in a comment).
    """
    try:
        return all(isinstance(event, _AROUND) for event in events(text))
    except (yaml.YAMLError, UnicodeEncodeError):
        return False


def alone(text: str) -> Node | None:
    """The root of a piece; None if it is not whole by itself."""
    root, problems = compose(text, ANY_VARIABLE)
    return None if problems or _ANCHOR.search(text) else root


def read_section(piece: Piece) -> Node | None:
    """What stands under a section's key; None if the piece is not whole by itself."""
    root = alone(piece.text)
    entries = root.entries if isinstance(root, Mapping) else []
    return entries[0][1] if len(entries) == 1 else None


def read_items(texts: Many[str]) -> list[Node] | None:
    """The nodes of items, read together; None if a text is not exactly one item."""
    root = alone("".join(texts))
    nodes = root.items if isinstance(root, Sequence) else []
    return nodes if len(nodes) == len(texts) else None
