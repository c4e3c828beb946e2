"""Scalars of the section `sync:`: databases, secrets, brokers, names of tables and columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs

from strangler.kit import nodes
from strangler.kit.databases import FAMILIES, split
from strangler.kit.nodes import Node, Scalar
from strangler.kit.reader import Reader
from strangler.kit.records import ListOf, Record
from strangler.kit.shapes import ANY_TEXT, Parsed, Shape, UnfitError, text

T = TypeVar("T")

_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-([^}]*))?\}")
_ONE_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_IN_THE_FILE = "stands in this file, which is kept in Git and in every table version"


class DatabaseUrl(Shape[str]):
    """The URL of a database, with its password in the environment."""

    schema = {"type": "string"}  # noqa: RUF012 - as every shape's

    def read(self, node: Node, reader: Reader) -> str | None:
        """The URL. What is wrong is said without showing any of it."""
        url = reader.text(node, "the URL of a database, best as `${NAME}`")
        if url is None or not isinstance(node, Scalar):
            return None
        wrong = _wrong(url, node.raw)
        if wrong:
            reader.error(node, wrong)
            return None
        return url


def _wrong(url: str, raw: str) -> str | None:
    parts = split(url)
    if parts is None or parts.scheme.split("+")[0] not in FAMILIES:
        return (
            "this is not the URL of a database:"
            " write such as `postgresql://user@host:5432/name` or `${DATABASE_URL}`"
        )
    if not parts.path.strip("/"):
        return "this URL names a server, but no database on it: end it with `/` and the name"
    if _holds_password(_REFERENCE.sub(lambda found: found[1] or "", raw)):
        return f"a password {_IN_THE_FILE}: put the URL into the environment and write `${{NAME}}`"
    return None


_PASSWORDS = {"password", "passwd", "sslpassword", "ssl_key_password"}
"""Keys of a URL's query that databases' drivers take for secrets."""


def _holds_password(url: str) -> bool:
    parts = split(url)
    return parts is not None and bool(parts.password or parse_qs(parts.query).keys() & _PASSWORDS)


class Secret(Shape[str]):
    """The value of an environment variable; nothing of it may stand in the file."""

    schema = {"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"}  # noqa: RUF012

    def __init__(self, what: str, *, least: int = 1, most: int = 1024, why: str = "") -> None:
        """`least` and `most` bytes; `why` says what is wrong with fewer."""
        self._what, self._least, self._most, self._why = what, least, most, why

    def read(self, node: Node, reader: Reader) -> str | None:
        """The secret. Neither a message nor the schema's pattern shows any of it."""
        if not isinstance(node, Scalar) or node.is_null:
            reader.error(node, f"{self._what} belongs here: write `${{NAME}}`")
            return None
        if _ONE_VARIABLE.fullmatch(node.raw) is None:
            reader.error(
                node, f"{self._what} {_IN_THE_FILE}: put it into the environment as `${{NAME}}`"
            )
            return None
        value = reader.text(node, self._what)
        if value is None:
            return None
        if not self._least <= len(value.encode()) <= self._most:
            reader.error(
                node,
                f"{node.shown} holds {len(value.encode())} bytes: {self._why}"
                f"set it to {self._least} to {self._most}",
            )
            return None
        return value


class ShortOr(Shape[T], Generic[T]):
    """A mapping with fixed keys, or a short form that stands for one of them."""

    def __init__(self, keys: Record[T], short: Shape[Any], build: Callable[[Any, Node], T]) -> None:
        """`build` makes the value of what `short` read, and the node it was read from."""
        self.keys = keys
        self._short, self._build = short, build
        self.schema = {"anyOf": [short.schema, keys.schema | {"type": "object"}]}

    def read(self, node: Node, reader: Reader) -> T | None:
        """The record, however it was written."""
        if isinstance(node, nodes.Mapping) or (isinstance(node, Scalar) and node.is_null):
            return self.keys.read(node, reader)
        value = self._short.read(node, reader)
        return None if value is None else self._build(value, node)


def _broker(text: str) -> str:
    """`host:port`; raises UnfitError."""
    parts = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):([0-9]{1,5})", text)
    if parts is None or not 0 < int(parts[2]) <= 65_535:
        raise UnfitError("is not a broker", "write `host:port`, such as `127.0.0.1:9092`")
    return text


BROKER = Parsed("a broker's `host:port`", _broker, {"type": "string"})


class Brokers(Shape[tuple[str, ...]]):
    """A list, or a text with commas, as an environment variable holds them."""

    _list = ListOf(BROKER, "brokers", at_least=1)
    _text = Parsed(
        "`host:port` of a broker",
        lambda text: tuple(_broker(part.strip()) for part in text.split(",")),
        {"type": "string"},
    )
    schema = {"anyOf": [_text.schema, _list.schema]}  # noqa: RUF012

    def read(self, node: Node, reader: Reader) -> tuple[str, ...] | None:
        """The brokers in file order."""
        shape = self._list if isinstance(node, nodes.Sequence) else self._text
        return shape.read(node, reader)


def _prefix(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text) is None:
        raise UnfitError(
            "is not a prefix of topics",
            "use letters, digits, `.`, `_` and `-`, a letter or digit first",
        )
    if f"{text}.".startswith("outbox.event."):
        raise UnfitError("is where events of outboxes go", "take another prefix")
    return text


DATABASE_URL = DatabaseUrl()
SALT = Secret(
    "a salt",
    least=16,
    most=64,
    why="with a short one, whoever reads the topics could try all values; ",
)
PASSWORD = Secret("a password", why="that cannot be it; ")
BROKERS = Brokers()
PREFIX = Parsed("a prefix of topics", _prefix, ANY_TEXT)
OWNER = text("the name of a team", r"[^\r\n]{1,100}", "use one line of at most 100 characters")
LINE = text("one line of text", r"[^\0\r\n]+", "write one line")
TEXT = text()

_PART = r"[A-Za-z0-9_-]{1,64}"
TABLE_NAME = text(
    "a table",
    rf"{_PART}(\.{_PART})?",
    "write `table` or `schema.table` of letters, digits, `_` and `-`, as the topic's name takes"
    " no others",
)
COLUMN_NAME = text(
    "a column",
    r"(?! )[^\x00-\x1f\x7f]{1,128}(?<! )",
    "write the name as the database has it, without quotes of SQL around it",
)
FUNCTION = text(
    "a function",
    r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*",
    "write `package.module:function`",
)
