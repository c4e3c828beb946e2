"""The section `routes:`, one item a route."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Any

from strangler.config.actions import ACTIONS, action_of
from strangler.config.fields import HEADER_NAME, HEADER_VALUE, LABELS, OWNER, TIMEOUTS, PathText
from strangler.config.match import MATCH
from strangler.config.model import HeaderRules, Headers, Rewrite, Route
from strangler.config.overrides import OVERRIDES, Overrides, overrides
from strangler.kit.nodes import Mapping, Node
from strangler.kit.problems import listed
from strangler.kit.quantities import Size
from strangler.kit.reader import Reader
from strangler.kit.records import Field, ListOf, MapOf, Record
from strangler.kit.shapes import JsonSchema, Name, Reference, Shape

_FRAMING = frozenset(
    "connection content-length host keep-alive proxy-connection te trailer transfer-encoding"
    " upgrade".split()
)
"""What the gateway itself writes (RFC 9110, section 7.6.1; RFC 9112, section 6)."""


class _HeaderName(Shape[str]):
    """A header that a rule may touch."""

    def read(self, node: Node, reader: Reader) -> str | None:
        name = HEADER_NAME.read(node, reader)
        if name is not None and name.lower() in _FRAMING:
            why = "set `host:` on the upstream" if name.lower() == "host" else "leave it out"
            reader.error(node, f"`{name}` is written by the gateway itself: {why}")
            return None
        return name

    def schema(self) -> JsonSchema:
        return HEADER_NAME.schema()


class _HeaderValues(Shape[Headers]):
    """Names with values, in file order."""

    def __init__(self, what: str) -> None:
        self.mapping = MapOf(_HeaderName(), HEADER_VALUE, what)

    def read(self, node: Node, reader: Reader) -> Headers | None:
        values = self.mapping.read(node, reader)
        return None if values is None else tuple(values.items())

    def schema(self) -> JsonSchema:
        return self.mapping.schema()


def _header_rules(what: str) -> Record[HeaderRules]:
    return Record(
        what,
        [
            Field("remove", ListOf(_HeaderName(), "header names"), "Fields taken out first."),
            Field("set", _HeaderValues("`set`"), "Fields that replace those of the same name."),
            Field("add", _HeaderValues("`add`"), "Fields added to those of the same name."),
        ],
        HeaderRules,
    )


REPLACE_PREFIX = Record(
    "`replace_prefix`",
    [
        Field("from", PathText("a prefix"), "The beginning that is replaced.", True, "from: /old"),
        Field("to", PathText("a prefix"), "What is put in its place.", True, "to: /new"),
    ],
    lambda **values: (values["from"], values["to"]),
)

REWRITE = Record(
    "`rewrite`",
    [
        Field("strip_prefix", PathText("a prefix"), "A beginning that is cut off."),
        Field("replace_prefix", REPLACE_PREFIX, "A beginning that is exchanged."),
        Field("add_prefix", PathText("a prefix"), "Put before the path, last."),
    ],
    Rewrite,
)

FIELDS = (
    Field(
        "name",
        Name("a route's name"),
        "Unique; in metrics, logs and commands.",
        True,
        "name: reviews",
    ),
    Field("group", Name("a group's name"), "Routes that move together. Default: the route's name."),
    Field("owner", OWNER, "The team."),
    Field("labels", LABELS, "Free names and values."),
    Field("match", MATCH, "What a request must look like.", True, "match: {prefix: /reviews}"),
    *ACTIONS,
    *OVERRIDES,
    Field("rewrite", REWRITE, "Changes of the path before it goes upstream."),
    Field("request_headers", _header_rules("`request_headers`"), "Changes of the request's head."),
    Field("response_headers", _header_rules("`response_headers`"), "Changes of the answer's head."),
    Field("timeouts", TIMEOUTS, "Deadlines; they beat the upstream's."),
    Field("body_limit", Size(), "Bytes of a request's body; 413 beyond. Default: limits.body."),
    Field(
        "sync",
        ListOf(Reference("a stream", "sync"), "streams"),
        "Streams that keep the new side's data in step.",
    ),
)

_ACTION_KEYS = tuple(field.key for field in ACTIONS)


@dataclass(frozen=True, slots=True)
class Entry:
    """A route as far as it can be said without the rest of the table."""

    values: MappingOf[str, Any]
    """Arguments of `Route`; `group` and `old` may be missing."""
    overrides: Overrides
    node: Mapping

    @property
    def name(self) -> str:
        """The route's name."""
        return str(self.values["name"])

    @property
    def group(self) -> str:
        """The name of the group it belongs to."""
        return str(self.values.get("group", self.name))

    def route(self, default: str, group_old: str | None) -> Route:
        """The route, with what the table and its group say filled in."""
        filled = {"group": self.name, "old": group_old or default, **self.values}
        return Route(**filled, line=self.node.line)


class _RouteRecord(Record[Entry]):
    """Exactly one action."""

    def read(self, node: Node, reader: Reader) -> Entry | None:
        errors = reader.errors
        if isinstance(node, Mapping):
            said = [key for key, _ in node.entries if key.raw in _ACTION_KEYS]
            if len(said) > 1:
                names = listed(key.raw for key in said)
                reader.error(said[1], f"a route does one thing, this one has {names}: keep one")
            elif not said:
                reader.error(
                    node,
                    "this route does nothing: add `upstream: NAME`, `split: {NAME: 10, ...}`,"
                    " `redirect: {...}` or `respond: {status: 410}`",
                )
        values = self.values(node, reader)
        if values is None or reader.errors > errors or not isinstance(node, Mapping):
            return None
        settings = overrides(values)
        values["action"] = action_of(values)
        return Entry(values, settings, node)


ROUTES = ListOf(_RouteRecord("a route", FIELDS, Entry), "routes")
