"""What a route does: `upstream:`, `split:`, `redirect:` or `respond:`."""

from __future__ import annotations

from strangler.config.addresses import is_authority
from strangler.config.fields import HEADER_VALUE, TEXT
from strangler.config.model import Redirect, Respond, Split
from strangler.config.paths import PATH, PREFIX
from strangler.kit.nodes import Node
from strangler.kit.problems import listed
from strangler.kit.quantities import PERCENT, percent_text
from strangler.kit.reader import Reader
from strangler.kit.records import Field, MapOf, Record
from strangler.kit.scalars import BOOL, integer
from strangler.kit.shapes import Parsed, Reference, Shape, UnfitError, text

WHOLE = 10_000
"""Hundredths in 100 %."""

UPSTREAM_REF = Reference("an upstream", "upstreams")

_BODYLESS = frozenset({204, 205, 304})
_REDIRECTS = ("301", "302", "303", "307", "308")


class _Everything(Shape[Split]):
    """`upstream: NAME`: a split of 100 % to one."""

    schema = UPSTREAM_REF.schema

    def read(self, node: Node, reader: Reader) -> Split | None:
        """The split."""
        name = UPSTREAM_REF.read(node, reader)
        return None if name is None else Split(((name, WHOLE),))


class _Shares(Shape[Split]):
    """`split: {NAME: percent, ...}`; the shares sum to 100."""

    _mapping = MapOf(UPSTREAM_REF, PERCENT, "`split`", at_least=1)
    schema = _mapping.schema

    def read(self, node: Node, reader: Reader) -> Split | None:
        """The split, with its shares in file order."""
        errors = reader.errors
        shares = self._mapping.read(node, reader)
        if shares is None or reader.errors > errors:
            return None
        total = sum(shares.values())
        if total != WHOLE:
            change = "add" if total < WHOLE else "take away"
            reader.error(
                node,
                f"the shares of the split sum to {percent_text(total)}:"
                f" {change} {percent_text(abs(WHOLE - total))}, so that they sum to 100",
            )
            return None
        return Split(tuple(shares.items()))


def _redirect_status(text: str) -> int:
    if text not in _REDIRECTS:
        raise UnfitError("is no status of a redirect", f"write one of {listed(_REDIRECTS)}")
    return int(text)


def _new_host(text: str) -> str:
    if not is_authority(text):
        raise UnfitError("is not a host", "write such as `www.example.com`, without a scheme")
    return text


class _RedirectRecord(Record[Redirect]):
    """At least one part that changes; a whole path or a new prefix, not both."""

    def read(self, node: Node, reader: Reader) -> Redirect | None:
        """The redirect."""
        redirect = super().read(node, reader)
        if redirect is None:
            return None
        if redirect.path is not None and redirect.prefix is not None:
            reader.error(node, "`path` is the whole new path, `prefix` a part of it: keep one")
            return None
        if (redirect.scheme, redirect.host, redirect.path, redirect.prefix) == (None,) * 4:
            reader.error(node, "nothing changes: add a new `path`, `prefix`, `host` or `scheme`")
            return None
        return redirect


REDIRECT = _RedirectRecord(
    "`redirect`",
    [
        Field(
            "status",
            Parsed(
                "a status such as `308`",
                _redirect_status,
                {"enum": [int(status) for status in _REDIRECTS]},
            ),
            "301, 302, 303, 307 or 308. Default 308.",
        ),
        Field(
            "scheme",
            text("a scheme", r"https?", "write `http` or `https`", {"enum": ["http", "https"]}),
            "http or https. Default: kept.",
        ),
        Field(
            "host",
            Parsed("a host such as `www.example.com`", _new_host, {"type": "string"}),
            "The new host. Default: kept.",
        ),
        Field("path", PATH, "The whole new path. Default: kept."),
        Field("prefix", PREFIX, "Replaces the matched prefix."),
        Field("keep_query", BOOL, "Whether the query is kept. Default true."),
    ],
    Redirect,
)


class _RespondRecord(Record[Respond]):
    """A status that has no body (RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5) gets none."""

    def read(self, node: Node, reader: Reader) -> Respond | None:
        """The answer."""
        respond = super().read(node, reader)
        if respond is not None and respond.body and respond.status in _BODYLESS:
            reader.error(node, f"an answer {respond.status} has no body: leave `body` out")
            return None
        return respond


RESPOND = _RespondRecord(
    "`respond`",
    [
        Field("status", integer(200, 599, "a status"), "200 to 599.", True, "status: 410"),
        Field("body", TEXT, "The answer's body. Default: empty."),
        Field("content_type", HEADER_VALUE, "Default text/plain; charset=utf-8."),
    ],
    Respond,
)

ACTIONS = (
    Field("upstream", _Everything(), "The upstream that takes every request."),
    Field("split", _Shares(), "Percentages over upstreams; two decimals, sum 100."),
    Field("redirect", REDIRECT, "An answer that sends the client elsewhere."),
    Field("respond", RESPOND, "A fixed answer; a retired path answers 410."),
)
"""A route has exactly one of them."""
