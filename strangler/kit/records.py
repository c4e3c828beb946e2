"""Shapes that hold other shapes: lists, mappings of names, and records with fixed keys.

A container keeps what is right in it and drops what is not, so that one bad item hides nothing
about its neighbours; whether anything was wrong is for the reader's problems to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from strangler.kit import nodes
from strangler.kit.nodes import Mapping, Node, Scalar, described
from strangler.kit.problems import did_you_mean, listed
from strangler.kit.reader import Reader
from strangler.kit.shapes import JsonSchema, Shape

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a record."""

    key: str
    shape: Shape[Any]
    help: str
    """One sentence for editors."""
    required: bool = False
    example: str = ""
    """What to write, for the message that says a required key is missing."""


class ListOf(Shape[tuple[T, ...]]):
    """A list; nothing at all (every item commented out) is an empty one."""

    def __init__(self, item: Shape[T], what: str, *, at_least: int = 0) -> None:
        self.item = item
        self._what = what
        self._at_least = at_least

    def read(self, node: Node, reader: Reader) -> tuple[T, ...] | None:
        if isinstance(node, nodes.Sequence):
            items = node.items
        elif isinstance(node, Scalar) and node.is_null:
            items = []
        else:
            reader.error(
                node,
                f"found {described(node)}, but a list of {self._what} belongs here: {_wrap(node)}",
            )
            return None
        if len(items) < self._at_least:
            reader.error(node, f"the list of {self._what} is empty: write at least one")
            return None
        values = [self.item.read(item, reader) for item in items]
        return tuple(value for value in values if value is not None)

    def schema(self) -> JsonSchema:
        array: JsonSchema = {"type": "array", "items": self.item.schema()}
        if self._at_least:
            return array | {"minItems": self._at_least}
        return array | {"type": ["array", "null"]}


class MapOf(Shape[dict[str, T]]):
    """A mapping of free names; `build` makes the value of a name and what stands under it."""

    def __init__(self, key: Shape[str], value: Shape[T], what: str, *, at_least: int = 0) -> None:
        self.key = key
        self.value = value
        self._what = what
        self._at_least = at_least

    def read(self, node: Node, reader: Reader) -> dict[str, T] | None:
        entries = entries_of(node, reader, self._what)
        if entries is None:
            return None
        if len(entries) < self._at_least:
            reader.error(node, f"{self._what} is empty: write at least one")
            return None
        read = (
            (self.key.read(key, reader), self.value.read(value, reader)) for key, value in entries
        )
        return {key: value for key, value in read if key is not None and value is not None}

    def schema(self) -> JsonSchema:
        mapping: JsonSchema = {"type": "object", "additionalProperties": self.value.schema()}
        if self._at_least:
            return mapping | {"minProperties": self._at_least}
        return mapping | {"type": ["object", "null"]}


class Record(Shape[T]):
    """A mapping with fixed keys. `build` takes the keys that are there as keyword arguments."""

    def __init__(self, what: str, fields: Sequence[Field], build: Callable[..., T]) -> None:
        self.what = what
        self.fields = tuple(fields)
        self.build = build
        self._by_key = {field.key: field for field in fields}

    def read(self, node: Node, reader: Reader) -> T | None:
        errors = reader.errors
        values = self.values(node, reader)
        return None if values is None or reader.errors > errors else self.build(**values)

    def values(self, node: Node, reader: Reader) -> dict[str, Any] | None:
        """The keys that are there and right; None if this is no mapping at all."""
        entries = entries_of(node, reader, self.what)
        if entries is None:
            return None
        values: dict[str, Any] = {}
        present = set()
        for key, value in entries:
            field = self._by_key.get(key.raw)
            if field is None:
                reader.error(key, self._unknown(key))
                continue
            present.add(key.raw)
            result = field.shape.read(value, reader)
            if result is not None:
                values[key.raw] = result
        for field in self.fields:
            if field.required and field.key not in present:
                reader.error(
                    node, f"`{field.key}` is missing in {self.what}: add `{field.example}`"
                )
        return values

    def schema(self) -> JsonSchema:
        properties = {f.key: f.shape.schema() | {"description": f.help} for f in self.fields}
        required = [f.key for f in self.fields if f.required]
        schema: JsonSchema = {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
        }
        if required:
            return schema | {"required": required}
        return schema | {"type": ["object", "null"]}

    def _unknown(self, key: Scalar) -> str:
        keys = [field.key for field in self.fields]
        hint = did_you_mean(key.raw, keys)
        return f"{key.shown} is not a key of {self.what}{hint}: its keys are {listed(keys)}"


def entries_of(node: Node, reader: Reader, what: str) -> list[tuple[Scalar, Node]] | None:
    """The entries of a mapping; nothing at all (every key commented out) is an empty one."""
    if isinstance(node, Mapping):
        return node.entries
    if isinstance(node, Scalar) and node.is_null:
        return []
    reader.error(
        node, f"found {described(node)}, but {what} is a mapping: write `key: value` pairs"
    )
    return None


def _wrap(node: Node) -> str:
    if isinstance(node, Scalar):
        return f"write `[{node.raw}]`" if len(node.raw) < 40 else "write `[...]` around it"
    return "begin each item with `- `"
