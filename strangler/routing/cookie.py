"""The gateway's own identity cookie: random, signed, and remembered once verified.

Its value is `IDENTITY.SIGNATURE`, both 22 characters of base64url for 16 bytes. The signature is
over the identity's text, so that no other spelling of the same bytes verifies.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import blake2b
from hmac import compare_digest

from strangler.config.model import ProxyCookie
from strangler.routing.fields import cookie_values

_IDENTITY = 22
_TOKEN = 2 * _IDENTITY + 1
_SHORTEST_KEY = 16
_TRIED = 4
"""Cookies of our name that are verified in one request; each costs a signature."""
_REMEMBERED = 8192
"""Verified cookies kept; only genuine ones get in, each of one length."""


def _text(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


class ProxyCookies:
    """Issues and verifies the identity cookies of one key."""

    __slots__ = ("_attributes", "_key", "_name", "_prefix", "_secure", "_verified")

    def __init__(self, settings: ProxyCookie, key: bytes) -> None:
        """Raises ValueError if the key has fewer than 16 bytes."""
        if len(key) < _SHORTEST_KEY:
            raise ValueError(f"the cookie key needs {_SHORTEST_KEY} bytes, got {len(key)}")
        self._key = blake2b(key, digest_size=32, person=b"strangler cookie").digest()
        self._name = settings.name.encode("ascii")
        self._prefix = self._name + b"="
        self._attributes = (
            f"; Path=/; Max-Age={int(settings.max_age)}; HttpOnly; SameSite={settings.same_site}"
        ).encode("ascii")
        self._secure = settings.secure
        self._verified: dict[bytes, bytes] = {}

    def identity(self, cookie: bytes) -> bytes | None:
        """The identity in a Cookie header's value, or None if no genuine one is there."""
        start = cookie.find(self._prefix)
        if start < 0:
            return None
        start += len(self._prefix)
        known = self._verified.get(cookie[start : start + _TOKEN])
        if known is not None and self._is_exact(cookie, start):
            return known
        for token in cookie_values(cookie, self._name)[:_TRIED]:
            if self._is_genuine(token):
                self._remember(token)
                return token[:_IDENTITY]
        return None

    def issue(self, random: bytes, https: bool) -> tuple[bytes, bytes]:
        """A new identity made of 16 random bytes, and the Set-Cookie value that carries it."""
        identity = _text(random[:16])
        secure = self._secure == "always" or (self._secure == "auto" and https)
        value = self._prefix + identity + b"." + self._sign(identity) + self._attributes
        return identity, value + b"; Secure" if secure else value

    def _is_exact(self, cookie: bytes, start: int) -> bool:
        """Whether the token found stands alone, as a cookie of exactly our name."""
        before = start - len(self._prefix) - 1
        return (before < 0 or cookie[before] in b"; \t") and cookie[
            start + _TOKEN : start + _TOKEN + 1
        ] in {b"", b";"}

    def _is_genuine(self, token: bytes) -> bool:
        if len(token) != _TOKEN or token[_IDENTITY : _IDENTITY + 1] != b".":
            return False
        return compare_digest(self._sign(token[:_IDENTITY]), token[_IDENTITY + 1 :])

    def _sign(self, identity: bytes) -> bytes:
        return _text(blake2b(identity, key=self._key, digest_size=16).digest())

    def _remember(self, token: bytes) -> None:
        if len(self._verified) >= _REMEMBERED:
            self._verified.pop(next(iter(self._verified)))
        self._verified[token] = token[:_IDENTITY]
