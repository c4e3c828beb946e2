"""What a route does: `upstream:`, `split:`, `redirect:` or `respond:`."""

from __future__ import annotations

import re
from typing import Any

from strangler.config.addresses import is_host
from strangler.config.fields import HEADER_VALUE, TEXT, PathText
from strangler.config.model import Redirect, Respond, Split
from strangler.kit.nodes import Node
from strangler.kit.problems import listed
from strangler.kit.quantities import Percent, percent_text
from strangler.kit.reader import Reader
from strangler.kit.records import Field, MapOf, Record
from strangler.kit.shapes import Bool, Integer, JsonSchema, Reference, Shape, Text

UPSTREAM_REF = Reference("an upstream", "upstreams")


class Everything(Shape[Split]):
    """`upstream: NAME`: a split of 100 % to one."""

    def read(self, node: Node, reader: Reader) -> Split | None:
        name = UPSTREAM_REF.read(node, reader)
        return None if name is None else Split(((name, 10_000),))

    def schema(self) -> JsonSchema:
        return UPSTREAM_REF.schema()


class Shares(Shape[Split]):
    """`split: {NAME: percent, ...}`; the shares sum to 100."""

    mapping = MapOf(UPSTREAM_REF, Percent(), "`split`", at_least=1)

    def read(self, node: Node, reader: Reader) -> Split | None:
        errors = reader.errors
        shares = self.mapping.read(node, reader)
        if shares is None or reader.errors > errors:
            return None
        total = sum(shares.values())
        if total != 10_000:
            reader.error(
                node, f"the shares of the split sum to {_percent(total)}: {_missing(total)}"
            )
            return None
        return Split(tuple(shares.items()))

    def schema(self) -> JsonSchema:
        return self.mapping.schema()


class _Status(Shape[int]):
    """A redirect's status."""

    _KNOWN = (301, 302, 303, 307, 308)

    def read(self, node: Node, reader: Reader) -> int | None:
        text = reader.text(node, "a status such as `308`")
        if text is None:
            return None
        if text not in map(str, self._KNOWN):
            words = listed(map(str, self._KNOWN))
            reader.error(node, f"this is no status of a redirect: write one of {words}")
            return None
        return int(text)

    def schema(self) -> JsonSchema:
        return {"enum": list(self._KNOWN)}


class _HostPort(Shape[str]):
    """A host with or without a port."""

    def read(self, node: Node, reader: Reader) -> str | None:
        text = reader.text(node, "a host such as `www.example.com`")
        if text is None:
            return None
        host = re.sub(r":[0-9]{1,5}\Z", "", text) if not text.endswith("]") else text
        if not is_host(host.strip("[]")):
            reader.error(node, "this is no host: write such as `www.example.com`, without a scheme")
            return None
        return text

    def schema(self) -> JsonSchema:
        return {"type": "string"}


class _RedirectRecord(Record[Redirect]):
    """At least one part that changes; a whole path or a new prefix, not both."""

    def read(self, node: Node, reader: Reader) -> Redirect | None:
        errors = reader.errors
        values = self.values(node, reader)
        if values is None or reader.errors > errors:
            return None
        if "path" in values and "prefix" in values:
            reader.error(node, "`path` is the whole new path and `prefix` a part of it: keep one")
            return None
        if not values.keys() & {"scheme", "host", "path", "prefix"}:
            reader.error(node, "nothing changes: write a new `path`, `prefix`, `host` or `scheme`")
            return None
        return Redirect(**values)


REDIRECT = _RedirectRecord(
    "`redirect`",
    [
        Field("status", _Status(), "301, 302, 303, 307 or 308. Default 308."),
        Field(
            "scheme",
            Text("a scheme", r"https?", "write `http` or `https`"),
            "http or https. Default: kept.",
        ),
        Field("host", _HostPort(), "The new host. Default: kept."),
        Field("path", PathText(), "The whole new path. Default: kept."),
        Field("prefix", PathText("a prefix"), "Replaces the matched prefix."),
        Field("keep_query", Bool(), "Whether the query is kept. Default true."),
    ],
    Redirect,
)

RESPOND = Record(
    "`respond`",
    [
        Field("status", Integer(200, 599, "a status"), "The answer's status.", True, "status: 410"),
        Field("body", TEXT, "The answer's body. Default: empty."),
        Field("content_type", HEADER_VALUE, "Default text/plain; charset=utf-8."),
    ],
    Respond,
)

ACTIONS = (
    Field("upstream", Everything(), "The upstream that takes every request."),
    Field("split", Shares(), "Percentages over upstreams; two decimals, sum 100."),
    Field("redirect", REDIRECT, "An answer that sends the client elsewhere."),
    Field("respond", RESPOND, "A fixed answer; a retired path answers 410."),
)


def _percent(total: int) -> str:
    return percent_text(total)


def _missing(total: int) -> str:
    if total < 10_000:
        return f"add {percent_text(10_000 - total)} so that they sum to 100"
    return f"take {percent_text(total - 10_000)} away so that they sum to 100"


def action_of(values: dict[str, Any]) -> Any:
    """Take the action out of a route's values; there is exactly one."""
    return next(values.pop(field.key) for field in ACTIONS if field.key in values)
