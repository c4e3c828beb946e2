"""What a group says about its routes, whether on a route or under `groups:`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from strangler.config.actions import UPSTREAM_REF
from strangler.config.fields import COOKIE_NAME, HEADER_NAME
from strangler.config.model import Force, IdentityKind, IdentitySource
from strangler.kit.nodes import Node
from strangler.kit.reader import Reader
from strangler.kit.records import Field, ListOf, MapOf, Record
from strangler.kit.scalars import BOOL
from strangler.kit.shapes import Parsed, UnfitError, name, text

_NAMED = {IdentityKind.COOKIE, IdentityKind.HEADER}
_SOURCES = "`proxy_cookie`, `cookie:NAME`, `header:NAME`, `client_ip` or `random`"


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
        values = ((key, getattr(self, key)) for key in _KEYS)
        return {key: value for key, value in values if value is not None}


_KEYS = tuple(field.name for field in fields(Overrides))


def _identity(text: str) -> IdentitySource:
    word, _, name = text.partition(":")
    kinds = {kind.value: kind for kind in IdentityKind}
    kind = kinds.get(word)
    if kind is None or bool(name) != (kind in _NAMED) or (":" in text and not name):
        raise UnfitError("is no source of an identity", f"write {_SOURCES}")
    if name:
        shape = HEADER_NAME if kind is IdentityKind.HEADER else COOKIE_NAME
        try:
            shape.parse(name)
        except UnfitError as unfit:
            raise UnfitError(f"names no {word}", f"write {_SOURCES}; {unfit.write}") from None
    return IdentitySource(kind, name.lower() if kind is IdentityKind.HEADER else name)


def _salt(text: str) -> str:
    """The key of BLAKE2b, which takes at most 64 bytes."""
    length = len(text.encode())
    if not 1 <= length <= 64:
        raise UnfitError("is no salt", f"write 1 to 64 bytes; this has {length}")
    return text


class _ForceRecord(Record[Force]):
    """A header, a cookie, or both."""

    def read(self, node: Node, reader: Reader) -> Force | None:
        """What forces a side."""
        force = super().read(node, reader)
        if force == Force():
            reader.error(node, "nothing forces a side: write `header: NAME` or `cookie: NAME`")
            return None
        return force


FORCE = _ForceRecord(
    "`force`",
    [
        Field("header", HEADER_NAME, "A header whose value names the side."),
        Field("cookie", COOKIE_NAME, "A cookie whose value names the side."),
    ],
    Force,
)
IDENTITY = Parsed(
    _SOURCES,
    _identity,
    {"type": "string", "pattern": "^(proxy_cookie|client_ip|random|(cookie|header):.+)$"},
)
IDENTITIES = ListOf(text("an identity", r"(?s).+", "write one, or remove the line"), "identities")

OVERRIDES = (
    Field("old", UPSTREAM_REF, "What a split moves away from. Default: the default upstream."),
    Field(
        "salt",
        Parsed("a salt", _salt, {"type": "string"}),
        "Key of the bucket's hash, at most 64 bytes. Default: the group's name.",
    ),
    Field(
        "identity",
        ListOf(IDENTITY, "sources of an identity", at_least=1),
        "What a request is bucketed by: the first that is present. Default [proxy_cookie].",
    ),
    Field("allow", IDENTITIES, "Identities that always get the new side."),
    Field("deny", IDENTITIES, "Identities that always get the old side; beats allow."),
    Field("force", FORCE, "A header or cookie that picks the side."),
    Field("kill", BOOL, "Everything to the old side at once. Default false."),
)


def take_overrides(values: dict[str, Any]) -> Overrides:
    """Move a group's settings out of the values of a route or of `groups: NAME:`."""
    said = {key: values.pop(key, None) for key in _KEYS}
    for key in ("allow", "deny"):
        if said[key] is not None:
            said[key] = frozenset(said[key])
    return Overrides(**said)


GROUPS = MapOf(
    name("a group's name"),
    Record("a group", OVERRIDES, lambda **values: take_overrides(values)),
    "`groups`",
)
