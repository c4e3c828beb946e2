"""What a group says about its routes, whether on a route or under `groups:`."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from strangler.config.actions import UPSTREAM_REF
from strangler.config.fields import COOKIE_NAME, HEADER_NAME, TOKEN
from strangler.config.model import Force, IdentityKind, IdentitySource
from strangler.kit.nodes import Mapping, Node
from strangler.kit.reader import Reader
from strangler.kit.records import Field, ListOf, MapOf, Record
from strangler.kit.shapes import Bool, JsonSchema, Name, Shape, Text

_NAMED = {IdentityKind.COOKIE, IdentityKind.HEADER}


@dataclass(frozen=True, slots=True)
class Overrides:
    """A group's settings as far as one place says them; None where it says nothing."""

    old: str | None = None
    salt: str | None = None
    identity: tuple[IdentitySource, ...] | None = None
    allow: frozenset[str] | None = None
    deny: frozenset[str] | None = None
    force: Force | None = None
    kill: bool | None = None

    def said(self) -> dict[str, Any]:
        """The settings that are said here."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: value for key, value in values.items() if value is not None}


class _Identity(Shape[IdentitySource]):
    """`cookie:NAME`, `header:NAME`, `client_ip`, `proxy_cookie` or `random`."""

    _WANTED = "`proxy_cookie`, `cookie:NAME`, `header:NAME`, `client_ip` or `random`"

    def read(self, node: Node, reader: Reader) -> IdentitySource | None:
        if isinstance(node, Mapping):
            reader.error(node, "write the source without a blank after the colon: `cookie:NAME`")
            return None
        text = reader.text(node, self._WANTED)
        if text is None:
            return None
        kind, _, name = text.partition(":")
        if kind not in set(IdentityKind) or bool(name) != (IdentityKind(kind) in _NAMED):
            reader.error(node, f"this is no source of an identity: write {self._WANTED}")
            return None
        if name and re.fullmatch(TOKEN, name) is None:
            reader.error(node, "the name after the colon is no name of a cookie or header")
            return None
        source = IdentityKind(kind)
        return IdentitySource(source, name.lower() if source is IdentityKind.HEADER else name)

    def schema(self) -> JsonSchema:
        return {
            "type": "string",
            "pattern": r"^(proxy_cookie|client_ip|random|(cookie|header):.+)$",
        }


class _Salt(Text):
    """The key of BLAKE2b, which takes at most 64 bytes."""

    def read(self, node: Node, reader: Reader) -> str | None:
        text = super().read(node, reader)
        if text is not None and not 1 <= len(text.encode()) <= 64:
            reader.error(
                node, f"a salt has 1 to 64 bytes, this one {len(text.encode())}: shorten it"
            )
            return None
        return text


class _ForceRecord(Record[Force]):
    """A header, a cookie, or both."""

    def read(self, node: Node, reader: Reader) -> Force | None:
        force = super().read(node, reader)
        if force == Force():
            reader.error(node, "write `header: NAME`, `cookie: NAME` or both")
            return None
        return force


_IDENTITIES = ListOf(Text("an identity", r"(?s).+", "it is empty"), "identities")

FORCE = _ForceRecord(
    "`force`",
    [
        Field("header", HEADER_NAME, "A header whose value names the side."),
        Field("cookie", COOKIE_NAME, "A cookie whose value names the side."),
    ],
    Force,
)

OVERRIDES = (
    Field(
        "old", UPSTREAM_REF, "The upstream a split moves away from. Default: the default upstream."
    ),
    Field("salt", _Salt("a salt"), "Key of the bucket's hash. Default: the group's name."),
    Field(
        "identity",
        ListOf(_Identity(), "sources", at_least=1),
        "What a request is bucketed by; the first that is present. Default [proxy_cookie].",
    ),
    Field("allow", _IDENTITIES, "Identities that always get the new side."),
    Field("deny", _IDENTITIES, "Identities that always get the old side; beats allow."),
    Field("force", FORCE, "A header or cookie that picks the side."),
    Field("kill", Bool(), "Everything to the old side at once. Default false."),
)


def overrides(values: dict[str, Any]) -> Overrides:
    """Take a group's settings out of the values of a route or of `groups: NAME:`."""
    said = {field.key: values.pop(field.key, None) for field in OVERRIDES}
    for key in ("allow", "deny"):
        if said[key] is not None:
            said[key] = frozenset(said[key])
    return Overrides(**said)


GROUPS = MapOf(
    Name("a group's name"),
    Record("a group", OVERRIDES, lambda **values: overrides(values)),
    "`groups`",
)
