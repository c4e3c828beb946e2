"""The key `match:` of a route."""

from __future__ import annotations

import re
from typing import Any

from strangler.config.fields import COOKIE_NAME, HEADER_NAME, TEXT, PathText
from strangler.config.model import Match, PathKind, ValueMatch
from strangler.config.regexes import why_refused
from strangler.kit.nodes import Mapping, Node, Scalar
from strangler.kit.problems import did_you_mean, listed
from strangler.kit.reader import Reader
from strangler.kit.records import Field, ListOf, MapOf, Record
from strangler.kit.shapes import Bool, JsonSchema, Shape, Text

METHODS = tuple(
    "GET HEAD POST PUT PATCH DELETE OPTIONS TRACE ACL BIND CHECKOUT COPY LINK LOCK M-SEARCH MERGE"
    " MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY PROPFIND PROPPATCH PURGE QUERY REBIND REPORT SEARCH"
    " SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK UNSUBSCRIBE".split()
)
"""What the data plane's parser knows, without CONNECT."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Regex(Shape[str]):
    """A regular expression that compiles and cannot take exponential time."""

    def read(self, node: Node, reader: Reader) -> str | None:
        text = reader.text(node, "a regular expression")
        if text is None:
            return None
        why = why_refused(text)
        if why:
            reader.error(node, f"this regular expression {why}")
            return None
        return text

    def schema(self) -> JsonSchema:
        return {"type": "string"}


class _Method(Shape[str]):
    """A request method that the data plane's parser knows."""

    def read(self, node: Node, reader: Reader) -> str | None:
        text = reader.text(node, "a method such as `GET`")
        if text is None or text in METHODS:
            return text
        if text.upper() in METHODS:
            hint = f"methods are written in capitals: write `{text.upper()}`"
        elif text == "CONNECT":
            hint = "CONNECT is never routed: leave it out"
        else:
            close = did_you_mean(text.upper(), METHODS)
            hint = f"this is no method of HTTP{close}: write such as `GET` or `POST`"
        reader.error(node, hint)
        return None

    def schema(self) -> JsonSchema:
        return {"enum": list(METHODS)}


class _Host(Shape[str]):
    """An exact host or `*.` and a domain, without a port; lower-cased."""

    _FORM = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")

    def read(self, node: Node, reader: Reader) -> str | None:
        text = reader.text(node, "a host such as `shop.example.com`")
        if text is None:
            return None
        host = text.lower().rstrip(".")
        if self._FORM.fullmatch(host) is None:
            reader.error(
                node,
                "this is no host: write such as `shop.example.com` or `*.example.com`,"
                " without scheme and port (the port is not looked at)",
            )
            return None
        return host

    def schema(self) -> JsonSchema:
        return {"type": "string"}


class _ConditionKeys(Record[dict[str, Any]]):
    """`{regex: ...}` or `{present: ...}`, exactly one."""

    def read(self, node: Node, reader: Reader) -> dict[str, Any] | None:
        values = super().read(node, reader)
        if values is not None and len(values) != 1:
            reader.error(node, "write one of `{regex: ...}` and `{present: true}`")
            return None
        return values


_KEYS = _ConditionKeys(
    "a condition",
    [
        Field("regex", Regex(), "Must match the whole value."),
        Field("present", Bool(), "Whether it must be there, with whatever value."),
    ],
    dict,
)


class Condition(Shape[dict[str, Any]]):
    """`value` for an exact one, or a mapping with `regex` or `present`."""

    keys = _KEYS

    def read(self, node: Node, reader: Reader) -> dict[str, Any] | None:
        if isinstance(node, Mapping):
            return _KEYS.read(node, reader)
        text = reader.text(node, "a value, `{regex: ...}` or `{present: true}`")
        return None if text is None else {"exact": text}

    def schema(self) -> JsonSchema:
        return {"anyOf": [TEXT.schema(), _KEYS.schema() | {"type": "object"}]}


class Conditions(Shape[tuple[ValueMatch, ...]]):
    """Names with conditions; all must hold."""

    def __init__(self, name: Text, what: str, *, lower: bool = False) -> None:
        self.mapping = MapOf(name, Condition(), what)
        self._lower = lower

    def read(self, node: Node, reader: Reader) -> tuple[ValueMatch, ...] | None:
        values = self.mapping.read(node, reader)
        if values is None:
            return None
        return tuple(
            ValueMatch(name.lower() if self._lower else name, **condition)
            for name, condition in values.items()
        )

    def schema(self) -> JsonSchema:
        return self.mapping.schema()


class Template(PathText):
    """A path whose segments are text or `{name}`."""

    def __init__(self) -> None:
        super().__init__("a template", braces=True)

    def read(self, node: Node, reader: Reader) -> str | None:
        text = super().read(node, reader)
        if text is None:
            return None
        names = re.findall(r"\{(\w+)\}", text)
        whole = [segment for segment in text.split("/") if segment.startswith("{")]
        if len(whole) != len(names) or any("}" in name[:-1] for name in whole):
            reader.error(node, "a segment is either text or one `{name}`: use `regex:` for a mix")
        elif len(set(names)) != len(names):
            reader.error(node, "a name occurs twice in the template: give each its own")
        elif not names:
            reader.error(node, "a template without `{name}` is a `path:`: write `path:` instead")
        else:
            return text
        return None


_KINDS = tuple(kind.value for kind in PathKind if kind is not PathKind.ANY)

FIELDS = (
    Field("path", PathText(), "The exact path."),
    Field("prefix", PathText("a prefix"), "A path and everything below it, by whole segments."),
    Field("template", Template(), "Segments of text and {name}."),
    Field("regex", Regex(), "Must match the whole path; tried last."),
    Field("host", _Host(), "Exact or *.example.com; the port is not looked at."),
    Field(
        "methods", ListOf(_Method(), "methods", at_least=1), "GET matches HEAD too. Default: all."
    ),
    Field("headers", Conditions(HEADER_NAME, "`headers`", lower=True), "Conditions on headers."),
    Field("query", Conditions(Text("a parameter's name"), "`query`"), "Conditions on the query."),
    Field("cookies", Conditions(COOKIE_NAME, "`cookies`"), "Conditions on cookies."),
)


def _build(**values: Any) -> Match:
    kinds = [kind for kind in _KINDS if kind in values]
    rest = {key: value for key, value in values.items() if key not in _KINDS}
    if "methods" in rest:
        rest["methods"] = frozenset(rest["methods"])
    if not kinds:
        return Match(**rest)
    return Match(kind=PathKind(kinds[0]), path=values[kinds[0]], **rest)


class _MatchRecord(Record[Match]):
    """At most one way to say the path, and at least one condition."""

    def read(self, node: Node, reader: Reader) -> Match | None:
        if isinstance(node, Mapping):
            said = [key for key, _ in node.entries if key.raw in _KINDS]
            if len(said) > 1:
                reader.error(said[1], f"a match has one of {listed(_KINDS)}: keep one of the two")
                return None
        if (isinstance(node, Mapping) and not node.entries) or (
            isinstance(node, Scalar) and node.is_null
        ):
            reader.error(
                node, "an empty match takes every request: write `prefix: /` if that is meant"
            )
            return None
        return super().read(node, reader)


MATCH = _MatchRecord("`match`", FIELDS, _build)
