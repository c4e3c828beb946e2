"""The section `routes:`, one item a route."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Any

from strangler.config.actions import ACTIONS
from strangler.config.fields import LABELS, OWNER, TIMEOUTS
from strangler.config.headers import header_rules
from strangler.config.match import MATCH
from strangler.config.model import Rewrite, Route
from strangler.config.overrides import OVERRIDES, Overrides, take_overrides
from strangler.config.paths import PREFIX
from strangler.kit.nodes import Mapping, Node
from strangler.kit.problems import listed
from strangler.kit.quantities import SIZE
from strangler.kit.reader import Reader
from strangler.kit.records import Field, ListOf, Record
from strangler.kit.shapes import Reference, name

REPLACE_PREFIX = Record(
    "`replace_prefix`",
    [
        Field("from", PREFIX, "The beginning that is replaced.", True, "from: /old"),
        Field("to", PREFIX, "What is put in its place.", True, "to: /new"),
    ],
    lambda **values: (values["from"], values["to"]),
)

REWRITE = Record(
    "`rewrite`",
    [
        Field("strip_prefix", PREFIX, "A beginning that is cut off."),
        Field("replace_prefix", REPLACE_PREFIX, "A beginning that is exchanged."),
        Field("add_prefix", PREFIX, "Put before the path, last."),
    ],
    Rewrite,
)

FIELDS = (
    Field("name", name("a route's name"), "Unique; in metrics and logs.", True, "name: reviews"),
    Field("group", name("a group's name"), "Routes that move together. Default: the name."),
    Field("owner", OWNER, "The team."),
    Field("labels", LABELS, "Free names and values."),
    Field("match", MATCH, "What a request looks like.", True, "match: {prefix: /reviews}"),
    *ACTIONS,
    *OVERRIDES,
    Field("rewrite", REWRITE, "Changes of the path before it goes upstream."),
    Field("request_headers", header_rules("`request_headers`"), "Changes of the request's head."),
    Field("response_headers", header_rules("`response_headers`"), "Changes of the answer's head."),
    Field("timeouts", TIMEOUTS, "Deadlines; they beat the upstream's."),
    Field("body_limit", SIZE, "A request's body; 413 beyond. Default: gateway: limits: body."),
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
    def group(self) -> str:
        """The name of the group it belongs to."""
        return str(self.values.get("group", self.values["name"]))

    def route(self, old: str) -> Route:
        """The route, with what the table and its group say filled in."""
        return Route(
            **{"group": self.group, "old": old, **self.values},
            line=self.node.line,
            column=self.node.column,
        )


class _RouteRecord(Record[Entry]):
    """Exactly one action."""

    def read(self, node: Node, reader: Reader) -> Entry | None:
        """The route's entry; None if anything in it is wrong."""
        errors = reader.errors
        if isinstance(node, Mapping):
            _check_one_action(node, reader)
        values = self.values(node, reader)
        if values is None or reader.errors > errors or not isinstance(node, Mapping):
            return None
        said = take_overrides(values)
        values["action"] = next(values.pop(key) for key in _ACTION_KEYS if key in values)
        return Entry(values, said, node)


def _check_one_action(node: Mapping, reader: Reader) -> None:
    said = [key for key, _ in node.entries if key.raw in _ACTION_KEYS]
    if len(said) > 1:
        names = listed(key.raw for key in said)
        reader.error(said[1], f"a route does one thing, this one has {names}: keep one of them")
    elif not said:
        reader.error(
            node,
            "this route does nothing: add `upstream: NAME`, `split: {NAME: 10, ...}`,"
            " `redirect: {...}` or `respond: {status: 410}`",
        )


ROUTES = ListOf(_RouteRecord("a route", FIELDS, Entry), "routes")
