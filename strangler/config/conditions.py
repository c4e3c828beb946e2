"""Conditions on headers, query parameters and cookies."""

from __future__ import annotations

from typing import Any

from strangler.config.fields import TEXT
from strangler.config.model import ValueMatch
from strangler.config.regexes import REGEX
from strangler.kit.nodes import Mapping, Node
from strangler.kit.reader import Reader
from strangler.kit.records import Field, MapOf, Record
from strangler.kit.scalars import BOOL
from strangler.kit.shapes import Parsed, Shape


class _Keys(Record[dict[str, Any]]):
    """`{regex: ...}` or `{present: ...}`, one of the two."""

    def read(self, node: Node, reader: Reader) -> dict[str, Any] | None:
        """The one key with its value."""
        values = super().read(node, reader)
        if values is not None and len(values) != 1:
            reader.error(node, "write one of `{regex: ...}` and `{present: true}`")
            return None
        return values


KEYS = _Keys(
    "a condition",
    [
        Field("regex", REGEX, "Must match the whole value."),
        Field("present", BOOL, "Whether it must be there, with whatever value."),
    ],
    dict,
)


class _Condition(Shape[dict[str, Any]]):
    """A text for an exact value, or a mapping with `regex` or `present`."""

    keys = KEYS

    def __init__(self) -> None:
        self.schema = {"anyOf": [TEXT.schema, KEYS.schema | {"type": "object"}]}

    def read(self, node: Node, reader: Reader) -> dict[str, Any] | None:
        """The condition as arguments of `ValueMatch`."""
        if isinstance(node, Mapping):
            return self.keys.read(node, reader)
        text = reader.text(node, "a value, `{regex: ...}` or `{present: true}`")
        return None if text is None else {"exact": text}


class Conditions(Shape[tuple[ValueMatch, ...]]):
    """Names with conditions; all must hold. `lower` where names are read without case."""

    def __init__(self, name: Parsed[str], what: str, *, lower: bool = False) -> None:
        self._mapping = MapOf(name, _Condition(), what)
        self._lower = lower
        self.schema = self._mapping.schema

    def read(self, node: Node, reader: Reader) -> tuple[ValueMatch, ...] | None:
        """The conditions in file order."""
        conditions = self._mapping.read(node, reader)
        if conditions is None:
            return None
        return tuple(
            ValueMatch(name.lower() if self._lower else name, **condition)
            for name, condition in conditions.items()
        )
