"""The key `match:` of a route."""

from __future__ import annotations

import re
from typing import Any

from strangler.config.addresses import is_authority
from strangler.config.conditions import Conditions
from strangler.config.fields import COOKIE_NAME, HEADER_NAME
from strangler.config.model import Match, PathKind
from strangler.config.paths import MATCHED_PATH, MATCHED_PREFIX, TEMPLATE
from strangler.config.regexes import REGEX
from strangler.kit.nodes import Mapping, Node
from strangler.kit.problems import did_you_mean, listed
from strangler.kit.reader import Reader
from strangler.kit.records import Field, ListOf, Record
from strangler.kit.shapes import Parsed, UnfitError, text

METHODS = (
    *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "SEARCH"),
    *("COPY", "MOVE", "LOCK", "UNLOCK", "MKCOL", "PROPFIND", "PROPPATCH", "ACL", "REPORT"),
    *("BIND", "REBIND", "UNBIND", "LINK", "UNLINK", "MKACTIVITY", "MKCALENDAR", "CHECKOUT"),
    *("MERGE", "M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "PURGE", "SOURCE"),
)
"""What the data plane's parser knows, without CONNECT, which is never routed."""

_PORT = re.compile(r":[0-9]*\Z")


def _method(text: str) -> str:
    if text in METHODS:
        return text
    if text.upper() in METHODS:
        raise UnfitError("is not in capitals", "write such as `GET`", f"write `{text.upper()}`")
    if text == "CONNECT":
        raise UnfitError("is never routed", "leave it out")
    advice = "write such as `GET` or `POST`"
    raise UnfitError("is no method of HTTP", advice, advice + did_you_mean(text.upper(), METHODS))


def _host(text: str) -> str:
    host = text.lower().removesuffix(".")
    if _PORT.search(host) or not is_authority(host.removeprefix("*.")):
        raise UnfitError(
            "is not a host to match",
            "write such as `shop.example.com` or `*.example.com`, without scheme and port",
        )
    return host


METHOD = Parsed("a method such as `GET`", _method, {"enum": list(METHODS)})
HOST = Parsed("a host such as `shop.example.com`", _host, {"type": "string"})

_KINDS = tuple(kind.value for kind in PathKind if kind is not PathKind.ANY)


class _MatchRecord(Record[Match]):
    """At most one way to say the path, and at least one condition."""

    def read(self, node: Node, reader: Reader) -> Match | None:
        """The match."""
        entries = node.entries if isinstance(node, Mapping) else []
        kinds = [key for key, _ in entries if key.raw in _KINDS]
        if len(kinds) > 1:
            reader.error(kinds[1], f"a match has one of {listed(_KINDS)}: keep one of them")
            self.values(node, reader)
            return None
        match = super().read(node, reader)
        if match == Match():
            reader.error(node, "an empty match takes every request: write `prefix: /` if meant so")
            return None
        return match


def _build(**values: Any) -> Match:
    kind = next((kind for kind in _KINDS if kind in values), None)
    if kind is not None:
        values |= {"kind": PathKind(kind), "path": values.pop(kind)}
    values["methods"] = frozenset(values.get("methods", ()))
    return Match(**values)


MATCH = _MatchRecord(
    "`match`",
    [
        Field("path", MATCHED_PATH, "The exact path."),
        Field("prefix", MATCHED_PREFIX, "A path and all below it, by whole segments."),
        Field("template", TEMPLATE, "Segments of text and {name}."),
        Field("regex", REGEX, "Must match the whole path; tried last."),
        Field("host", HOST, "Exact or *.example.com; the port is not looked at."),
        Field("methods", ListOf(METHOD, "methods", at_least=1), "GET matches HEAD. Default: all."),
        Field("headers", Conditions(HEADER_NAME, "`headers`", lower=True), "On header fields."),
        Field("query", Conditions(text("a parameter's name"), "`query`"), "On the query."),
        Field("cookies", Conditions(COOKIE_NAME, "`cookies`"), "On cookies."),
    ],
    _build,
)
