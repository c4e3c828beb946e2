"""The section `sync:` of routes.yaml: streams, by name.

Registered by the composition root: `load(text, env=..., sections={"sync": SYNC})`; the parsed
section is a mapping of names to `Stream`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from strangler.kit.nodes import Node, Scalar
from strangler.kit.reader import Reader
from strangler.kit.records import Field, ListOf, MapOf, Record
from strangler.kit.shapes import Shape, name, text

_SCHEMES = ("postgresql", "postgres", "mysql", "mariadb", "sqlite")


@dataclass(frozen=True, slots=True)
class Stream:
    """One configured sync: tables of a source, and the database they are copied into."""

    name: str
    source: str = field(repr=False)
    """URL of the database the tables are read from; may hold a password, so it is never shown."""
    tables: tuple[str, ...]
    """`table` or `schema.table`, in file order."""
    target: str | None = field(default=None, repr=False)
    """URL of the database they are copied into; None until one is named."""


class DatabaseUrl(Shape[str]):
    """The URL of a database, with its password in the environment."""

    def __init__(self) -> None:
        self.schema = {"type": "string"}

    def read(self, node: Node, reader: Reader) -> str | None:
        """The URL. What is wrong is said without showing any of it."""
        url = reader.text(node, "the URL of a database, best as `${NAME}`")
        if url is None:
            return None
        wrong = _wrong(url, literal=isinstance(node, Scalar) and "${" not in node.raw)
        if wrong:
            reader.error(node, wrong)
            return None
        return url


_TABLE = text("a table", r"[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)?", "write `table` or `schema.table`")

DATABASE_URL = DatabaseUrl()

STREAM: Record[dict[str, Any]] = Record(
    "a stream",
    [
        Field(
            "source", DATABASE_URL, "Where the tables are read.", True, "source: ${DATABASE_URL}"
        ),
        Field(
            "tables",
            ListOf(_TABLE, "tables", at_least=1),
            "The tables that are copied.",
            True,
            "tables: [reviews_review]",
        ),
        Field("target", DATABASE_URL, "Where they are copied to."),
    ],
    dict,
)


class _Streams(Shape[dict[str, Stream]]):
    """Streams under their names."""

    _mapping = MapOf(name("a stream's name"), STREAM, "`sync`")
    schema = _mapping.schema

    def read(self, node: Node, reader: Reader) -> dict[str, Stream] | None:
        """The streams that can be read."""
        streams = self._mapping.read(node, reader)
        if streams is None:
            return None
        return {name: Stream(name=name, **values) for name, values in streams.items()}


SYNC = _Streams()


def _wrong(url_text: str, *, literal: bool) -> str | None:
    """What is wrong with a URL, without showing any of it."""
    url = _split(url_text)
    if url is None or url.scheme.split("+")[0] not in _SCHEMES:
        return (
            "this is not the URL of a database:"
            " write such as `postgresql://user@host:5432/name` or `${DATABASE_URL}`"
        )
    if literal and url.password:
        return (
            "a password stands in this file, which is kept in Git and in every table version:"
            " put the URL into the environment and write `${NAME}`"
        )
    return None


def _split(url_text: str) -> SplitResult | None:
    try:
        return urlsplit(url_text)
    except ValueError:
        return None
