"""Shapes: what may stand at one place of a file.

A shape reads a node into a value and carries the JSON Schema of what it reads, so that one object
is the only place that says what may stand there: the loader, the schema for editors and the test
of the documentation all derive from it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar

from strangler.kit.nodes import Node, Scalar
from strangler.kit.problems import did_you_mean, listed
from strangler.kit.reader import Reader

T_co = TypeVar("T_co", covariant=True)
JsonSchema: TypeAlias = dict[str, Any]

ANY_TEXT: JsonSchema = {"type": ["string", "number", "boolean"]}
"""What an editor may take an unquoted text for; the loader reads all of them as text."""


class Shape(ABC, Generic[T_co]):
    """What may stand at one place of a file."""

    schema: JsonSchema
    """JSON Schema (2020-12) of what `read` accepts; it may accept a little more."""

    @abstractmethod
    def read(self, node: Node, reader: Reader) -> T_co | None:
        """The value, or None after the reader was told why there is none."""


class UnfitError(Exception):
    """A text is not what belongs at its place."""

    def __init__(self, wrong: str, write: str, exact: str | None = None) -> None:
        """Say what is `wrong` ("is not a duration") and what to `write` instead.

        `exact` replaces `write` where the text stands in the file itself; only it may quote the
        text, which otherwise is the value of a variable and must not be shown.
        """
        self.wrong = wrong
        self.write = write
        self.exact = exact or write
        super().__init__(wrong, write)


class Parsed(Shape[T_co]):
    """A scalar whose text a function turns into a value, or raises `UnfitError`."""

    def __init__(self, wanted: str, parse: Callable[[str], T_co], schema: JsonSchema) -> None:
        self.wanted = wanted
        self.parse = parse
        self.schema = schema

    def read(self, node: Node, reader: Reader) -> T_co | None:
        """The value of the scalar's text."""
        text = reader.text(node, self.wanted)
        if text is None or not isinstance(node, Scalar):
            return None
        try:
            return self.parse(text)
        except UnfitError as unfit:
            advice = unfit.exact if text == node.raw else unfit.write
            reader.error(node, f"{node.shown} {unfit.wrong}: {advice}")
            return None


class Reference(Shape[str]):
    """The name of something that the file defines elsewhere, under a section."""

    def __init__(self, kind: str, section: str) -> None:
        self.schema = ANY_TEXT
        self._kind = kind
        self._section = section

    def read(self, node: Node, reader: Reader) -> str | None:
        """The name, if the section defines it."""
        text = reader.text(node, f"the name of {self._kind}")
        known = reader.names.get(self._section)
        if text is None or known is None or text in known or not isinstance(node, Scalar):
            return text
        hint = did_you_mean(node.raw, known) or (
            f" (there are {listed(sorted(known))})" if 0 < len(known) <= 8 else ""
        )
        reader.error(
            node,
            f"{node.shown} is not the name of {self._kind}{hint}:"
            f" define it under `{self._section}:` or name one that is there",
        )
        return None


def text(
    wanted: str = "a text",
    pattern: str | None = None,
    must: str = "",
    schema: JsonSchema = ANY_TEXT,
) -> Parsed[str]:
    """A text that fits a pattern; `must` says what the pattern means."""
    if pattern is None:
        return Parsed(wanted, str, schema)
    form = re.compile(pattern)

    def parse(text: str) -> str:
        if form.fullmatch(text) is None:
            raise UnfitError(f"is not {wanted}", must)
        return text

    return Parsed(wanted, parse, schema)


def name(wanted: str, *, reserved: frozenset[str] = frozenset()) -> Parsed[str]:
    """The name of something defined in the file; it also stands in metrics, logs and URLs."""
    fits = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}").fullmatch

    def parse(text: str) -> str:
        if fits(text) is None:
            raise UnfitError(
                f"is not {wanted}",
                "use up to 63 letters, digits, `.`, `_` and `-`, a letter or digit first",
            )
        if text in reserved:
            raise UnfitError("has a meaning of its own here", "take another name")
        return text

    return Parsed(wanted, parse, ANY_TEXT)
