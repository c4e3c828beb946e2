"""Shapes of scalars: each reads a node into a value, and knows the JSON Schema of what it reads.

One object is thereby the only place that says what may stand somewhere: the loader, the schema
for editors and the test of the documentation all derive from it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar

from strangler.kit.nodes import Node, Scalar
from strangler.kit.problems import did_you_mean, listed
from strangler.kit.reader import Reader

T_co = TypeVar("T_co", covariant=True)
E = TypeVar("E", bound=StrEnum)
JsonSchema: TypeAlias = dict[str, Any]

_PLAIN_TYPES = ["string", "number", "boolean"]
"""What an editor may take an unquoted text for; the loader reads all of them as text."""


class Shape(ABC, Generic[T_co]):
    """What may stand at one place of a file."""

    @abstractmethod
    def read(self, node: Node, reader: Reader) -> T_co | None:
        """The value, or None after the reader was told why there is none."""

    @abstractmethod
    def schema(self) -> JsonSchema:
        """JSON Schema (2020-12) of what `read` accepts; it may accept a little more."""


class Text(Shape[str]):
    """Any text that fits a pattern. `must` says what the pattern means."""

    def __init__(self, what: str = "a text", pattern: str = r"(?s).*", must: str = "") -> None:
        self.what = what
        self.must = must
        self._pattern = re.compile(pattern)

    def read(self, node: Node, reader: Reader) -> str | None:
        text = reader.text(node, self.what)
        if text is not None and self._pattern.fullmatch(text) is None:
            reader.error(node, f"{_shown(node)} is not {self.what}: {self.must}")
            return None
        return text

    def schema(self) -> JsonSchema:
        return {"type": _PLAIN_TYPES}


class Name(Text):
    """The name of something defined in the file; it also stands in metrics, logs and URLs."""

    def __init__(self, what: str, reserved: tuple[str, ...] = ()) -> None:
        super().__init__(
            what,
            r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
            "use up to 63 letters, digits, `.`, `_` and `-`, a letter or digit first",
        )
        self._reserved = reserved

    def read(self, node: Node, reader: Reader) -> str | None:
        text = super().read(node, reader)
        if text in self._reserved:
            reader.error(node, f"`{text}` has a meaning of its own here: take another name")
            return None
        return text


class Reference(Shape[str]):
    """The name of something that the file defines elsewhere, of one kind."""

    def __init__(self, kind: str, section: str) -> None:
        self._kind = kind
        self._section = section

    def read(self, node: Node, reader: Reader) -> str | None:
        text = reader.text(node, f"the name of {self._kind}")
        if text is None:
            return None
        known = reader.names.get(self._section, frozenset())
        if text in known:
            return text
        hint = did_you_mean(text, known) or (
            f" (there are {listed(sorted(known))})" if 0 < len(known) <= 8 else ""
        )
        reader.error(
            node,
            f"{_shown(node)} is not the name of {self._kind}{hint}:"
            f" define it under `{self._section}:` or name one that is there",
        )
        return None

    def schema(self) -> JsonSchema:
        return {"type": _PLAIN_TYPES}


class Bool(Shape[bool]):
    """`true` or `false`; YAML 1.1's other spellings are refused by name."""

    _MEANT = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}

    def read(self, node: Node, reader: Reader) -> bool | None:
        text = reader.text(node, "`true` or `false`")
        if text is None:
            return None
        lowered = text.lower()
        if lowered in {"true", "false"}:
            return lowered == "true"
        meant = self._MEANT.get(lowered, "true` or `false")
        reader.error(node, f"{_shown(node)} is neither true nor false: write `{meant}`")
        return None

    def schema(self) -> JsonSchema:
        return {"type": "boolean"}


class Integer(Shape[int]):
    """A whole number within bounds."""

    def __init__(self, low: int, high: int, what: str = "a whole number") -> None:
        self._low = low
        self._high = high
        self._what = what

    def read(self, node: Node, reader: Reader) -> int | None:
        text = reader.text(node, self._what)
        if text is None:
            return None
        if re.fullmatch(r"-?[0-9]{1,18}", text) is None:
            reader.error(node, f"{_shown(node)} is not {self._what}: write digits only")
            return None
        value = int(text)
        if not self._low <= value <= self._high:
            reader.error(
                node,
                f"{_shown(node)} is out of bounds:"
                f" write {self._what} from {self._low} to {self._high}",
            )
            return None
        return value

    def schema(self) -> JsonSchema:
        return {"type": "integer", "minimum": self._low, "maximum": self._high}


class Choice(Shape[E]):
    """One of the values of an enumeration."""

    def __init__(self, kind: type[E]) -> None:
        self._kind = kind

    def read(self, node: Node, reader: Reader) -> E | None:
        words = [member.value for member in self._kind]
        text = reader.text(node, f"one of {listed(words)}")
        if text is None:
            return None
        if text in words:
            return self._kind(text)
        hint = did_you_mean(text, words)
        reader.error(node, f"{_shown(node)} is not known here{hint}: write one of {listed(words)}")
        return None

    def schema(self) -> JsonSchema:
        return {"enum": [member.value for member in self._kind]}


def _shown(node: Node) -> str:
    return node.shown if isinstance(node, Scalar) else "this"
