"""Tokens of the admin API: made here, kept as hashes only, compared in constant time.

A tokens file has one line per token, `name:role:sha256hex`; lines that begin with `#` are
comments. A token has 256 random bits, so that a plain hash is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from strangler.admin.failures import Failure, Kind
from strangler.admin.roles import Role

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
_LINE = re.compile(r"([^:\s]+):(viewer|operator):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Token:
    """Who may do what, known by a hash."""

    name: str
    role: Role
    digest: str
    """SHA-256 of the token, in hexadecimal."""

    def __str__(self) -> str:
        return f"{self.name}:{self.role}:{self.digest}"


class TokensError(ValueError):
    """A tokens file with a line that is no token; the hash is never shown."""


def make(name: str, role: Role) -> tuple[str, Token]:
    """A new token and the line that lets it in; raises `Failure` for a name of other characters."""
    if not _NAME.fullmatch(name):
        raise Failure(
            Kind.USAGE, f"{name!r} is no name for a token: write letters, digits, `-`, `.`"
        )
    secret = secrets.token_urlsafe(32)
    return secret, Token(name, role, _digest(secret))


def parse(text: str) -> tuple[Token, ...]:
    """The tokens of a file; raises TokensError."""
    tokens = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = _LINE.fullmatch(line.strip())
        if parts is None:
            raise TokensError(
                f"line {number} is not `name:role:sha256hex`: `strangler token` makes one"
            )
        tokens.append(Token(parts[1], Role(parts[2]), parts[3]))
    return tuple(tokens)


def find(tokens: Sequence[Token], secret: str) -> Token | None:
    """Whose token it is; takes as long whichever it is, and if it is none."""
    digest = _digest(secret)
    found = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found


def _digest(secret: str) -> str:
    # A header's bytes arrive as text; those that are no UTF-8 must be no defect.
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
