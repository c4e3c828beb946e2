"""Who may ask the admin API: decided from the request's head alone.

Without tokens the API is for this host only. A browser on this host is not its user, though: a
page from anywhere may send requests to 127.0.0.1, and a name that is made to resolve to it passes
for the same origin. So the Host must be one that the API was bound to or a loopback name, a
request from another origin is refused, and a change must say that its body is JSON, which a plain
form cannot.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from strangler.admin.failures import Failure, Kind
from strangler.admin.roles import Role
from strangler.admin.tokens import Token, find


@dataclass(frozen=True, slots=True)
class Head:
    """What is looked at of a request."""

    method: str
    host: str
    origin: str | None
    authorization: str | None
    content_type: str


class Guard:
    """Lets a request in as a viewer or an operator, or refuses it."""

    def __init__(self, tokens: Sequence[Token], bound: str) -> None:
        """`bound` is the address of the API, `HOST:PORT` or `unix:/PATH`."""
        self._tokens = tuple(tokens)
        self._host = _name(bound)

    def admit(self, head: Head, *, changes: bool) -> str | None:
        """The name of the token, or None where none is needed; raises `Failure`."""
        self._check_origin(head)
        if head.method == "POST" and head.content_type != "application/json":
            raise Failure(Kind.USAGE, "the body must be JSON, with Content-Type: application/json")
        if not self._tokens:
            return None
        token = find(self._tokens, _bearer(head.authorization))
        if token is None:
            raise Failure(
                Kind.FORBIDDEN, "a token is needed: set STRANGLER_ADMIN_TOKEN to one that is known"
            )
        if changes and token.role is not Role.OPERATOR:
            raise Failure(Kind.FORBIDDEN, f"the token {token.name} may look, but not change")
        return token.name

    def _check_origin(self, head: Head) -> None:
        host = _name(head.host)
        if not self._tokens and not (is_loopback(host) or host == self._host):
            raise Failure(Kind.FORBIDDEN, "this Host is not one the admin API is known by")
        if head.origin is not None and _origin(head.origin) != head.host.lower():
            raise Failure(Kind.FORBIDDEN, "a page from elsewhere may not use the admin API")


def check_exposure(bound: str, tokens: Sequence[Token]) -> None:
    """Refuse to open the API to a network without tokens; raises `Failure`."""
    if not tokens and not bound.startswith("unix:") and not is_loopback(_name(bound)):
        raise Failure(
            Kind.REFUSED,
            f"the admin API on {bound} would be open to the network: bind it to 127.0.0.1 or "
            "unix:/PATH, or make tokens (`strangler token NAME --role operator`) and name their "
            "file in STRANGLER_ADMIN_TOKENS_FILE",
        )


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this host and nobody else."""
    if host in {"localhost", ""}:
        return host == "localhost"
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(authority: str) -> str:
    """The host in `HOST:PORT`, lower-cased; a Unix socket counts as localhost."""
    if authority.startswith("unix:"):
        return "localhost"
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


def _origin(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower() or "null"
    except ValueError:
        return "null"


def _bearer(authorization: str | None) -> str:
    scheme, _, secret = (authorization or "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""
