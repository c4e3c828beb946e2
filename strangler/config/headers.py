"""Header rules of a route: `request_headers:` and `response_headers:`."""

from __future__ import annotations

from strangler.config.fields import HEADER_NAME, HEADER_VALUE
from strangler.config.model import HeaderRules, Headers
from strangler.kit.nodes import Node
from strangler.kit.reader import Reader
from strangler.kit.records import Field, ListOf, MapOf, Record
from strangler.kit.shapes import Parsed, Shape, UnfitError

FRAMING = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"),
        *("content-length", "transfer-encoding", "host"),
    }
)
"""What the gateway itself writes (RFC 9110, section 7.6.1; RFC 9112, section 6)."""


def _changeable(text: str) -> str:
    name = HEADER_NAME.parse(text)
    if name.lower() in FRAMING:
        advice = "set `host:` on the upstream" if name.lower() == "host" else "leave it out"
        raise UnfitError("is written by the gateway itself", advice)
    return name


CHANGEABLE = Parsed("a header's name", _changeable, HEADER_NAME.schema)


class _Values(Shape[Headers]):
    """Names with values, in file order."""

    def __init__(self, what: str) -> None:
        self._mapping = MapOf(CHANGEABLE, HEADER_VALUE, what)
        self.schema = self._mapping.schema

    def read(self, node: Node, reader: Reader) -> Headers | None:
        """The pairs."""
        values = self._mapping.read(node, reader)
        return None if values is None else tuple(values.items())


def header_rules(what: str) -> Record[HeaderRules]:
    """`remove`, `set` and `add`, applied in this order."""
    return Record(
        what,
        [
            Field("remove", ListOf(CHANGEABLE, "header names"), "Fields taken out first."),
            Field("set", _Values("`set`"), "Fields that replace those of the same name."),
            Field("add", _Values("`add`"), "Fields added to those of the same name."),
        ],
        HeaderRules,
    )
