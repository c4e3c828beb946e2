"""Shapes that hold other shapes: lists, mappings of free names, and records with fixed keys.

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
        self.schema: JsonSchema = {
            "type": "array" if at_least else ["array", "null"],
            "items": item.schema,
            "minItems": at_least,
        }

    def read(self, node: Node, reader: Reader) -> tuple[T, ...] | None:
        """The items that can be read."""
        if isinstance(node, nodes.Sequence):
            items = node.items
        elif isinstance(node, Scalar) and node.is_null:
            items = []
        else:
            found = f"found {described(node)}, but a list of {self._what} belongs here"
            reader.error(node, f"{found}: {_as_list(node)}")
            return None
        if len(items) < self._at_least:
            reader.error(node, f"the list of {self._what} is empty: write at least one")
            return None
        values = [self.item.read(item, reader) for item in items]
        return tuple(value for value in values if value is not None)


class MapOf(Shape[dict[str, T]]):
    """A mapping of names that the author chooses."""

    def __init__(self, key: Shape[str], value: Shape[T], what: str, *, at_least: int = 0) -> None:
        self.key = key
        self.value = value
        self._what = what
        self._at_least = at_least
        self.schema: JsonSchema = {
            "type": "object" if at_least else ["object", "null"],
            "additionalProperties": value.schema,
            "minProperties": at_least,
        }

    def read(self, node: Node, reader: Reader) -> dict[str, T] | None:
        """The entries that can be read."""
        entries = entries_of(node, reader, self._what)
        if entries is None:
            return None
        if len(entries) < self._at_least:
            reader.error(node, f"{self._what} is empty: write at least one entry")
            return None
        values: dict[str, T] = {}
        for key_node, value_node in entries:
            key, value = self.key.read(key_node, reader), self.value.read(value_node, reader)
            if key is not None and value is not None:
                values[key] = value
        return values


class Record(Shape[T]):
    """A mapping with fixed keys. `build` takes the keys that are there as keyword arguments."""

    def __init__(self, what: str, fields: Sequence[Field], build: Callable[..., T]) -> None:
        self.what = what
        self.fields = tuple(fields)
        self._build = build
        self._by_key = {field.key: field for field in fields}
        self._required = tuple(field for field in fields if field.required)
        self.schema: JsonSchema = {
            "type": "object" if self._required else ["object", "null"],
            "properties": {f.key: f.shape.schema | {"description": f.help} for f in fields},
            "required": [field.key for field in self._required],
            "additionalProperties": False,
        }

    def read(self, node: Node, reader: Reader) -> T | None:
        """The record; None if anything in it is wrong."""
        errors = reader.errors
        values = self.values(node, reader)
        return None if values is None or reader.errors > errors else self._build(**values)

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
        for field in self._required:
            if field.key not in present:
                reader.error(
                    node, f"`{field.key}` is missing in {self.what}: add `{field.example}`"
                )
        return values

    def _unknown(self, key: Scalar) -> str:
        said = f"{key.shown} is not a key of {self.what}"
        for field in self.fields:
            if isinstance(field.shape, Record) and field.shape.has(key.raw):
                return f"{said}: write it under `{field.key}:`"
        hint = did_you_mean(key.raw, self._by_key)
        return f"{said}{hint or f': its keys are {listed(self._by_key)}'}"

    def has(self, key: str) -> bool:
        """Whether the record knows a key."""
        return key in self._by_key


def entries_of(node: Node, reader: Reader, what: str) -> list[tuple[Scalar, Node]] | None:
    """The entries of a mapping; nothing at all (every key commented out) is an empty one."""
    if isinstance(node, Mapping):
        return node.entries
    if isinstance(node, Scalar) and node.is_null:
        return []
    reader.error(node, f"found {described(node)}, but {what} is a mapping: write `key: value`")
    return None


def _as_list(node: Node) -> str:
    if isinstance(node, Scalar) and len(node.raw) < 40:
        return f"write `[{node.raw}]`"
    return "begin each item with `- `"
