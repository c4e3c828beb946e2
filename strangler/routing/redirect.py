"""Where a redirect route sends the client."""

from __future__ import annotations

import re
from urllib.parse import quote

from strangler.config.model import Match, PathKind, Redirect, Rewrite
from strangler.routing.rewrite import CompiledRewrite

_AUTHORITY = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PORT = re.compile(rb":[0-9]+\Z")
_UNSAFE = re.compile(rb"[^!$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]")
"""Bytes that do not belong into a Location: controls, space, quotes, `\\`, `<`, non-ASCII."""


class CompiledRedirect:
    """A redirect as a template of Location values."""

    __slots__ = ("_host", "_keep_query", "_path", "_prefix", "_scheme", "status")

    def __init__(self, redirect: Redirect, match: Match) -> None:
        """Raises ValueError if `prefix` is set and the route is not matched by a prefix."""
        self.status = redirect.status
        self._scheme = redirect.scheme.lower().encode("ascii") if redirect.scheme else None
        self._host = _ascii(redirect.host) if redirect.host else None
        self._path = None
        if redirect.path is not None:
            self._path = quote(redirect.path, safe="/%:@!$&'()*+,;=~?").encode("ascii")
        self._prefix = None
        if redirect.prefix is not None:
            if match.kind is not PathKind.PREFIX:
                raise ValueError("a redirect's prefix needs a match by prefix")
            self._prefix = CompiledRewrite(Rewrite(replace_prefix=(match.path, redirect.prefix)))
        self._keep_query = redirect.keep_query

    def location(self, *, https: bool, host: bytes, path: bytes, query: bytes) -> bytes:
        """The Location for a request; whatever the request holds, it is one safe header value.

        Without a scheme and a host of its own it is a path, so that a forged Host leads nowhere;
        likewise if the Host is none. A new scheme brings its default port.
        """
        target = self._target(path)
        if self._keep_query and query:
            target += (b"&" if b"?" in target else b"?") + query
        return self._origin(host, https=https) + _UNSAFE.sub(_escape, target)

    def _target(self, path: bytes) -> bytes:
        if self._path is not None:
            return self._path
        if self._prefix is not None:
            path = self._prefix.path(path)
        return b"/" + path.lstrip(b"/\\")

    def _origin(self, host: bytes, *, https: bool) -> bytes:
        if self._scheme is None and self._host is None:
            return b""
        current = b"https" if https else b"http"
        scheme = self._scheme or current
        authority = self._host or (host if scheme == current else _PORT.sub(b"", host))
        return scheme + b"://" + authority if _AUTHORITY.fullmatch(authority) else b""


def _ascii(host: str) -> bytes:
    """A host with or without a port; a name of other letters as DNS knows it (RFC 3490)."""
    port = re.search(r":[0-9]+\Z", host)
    end = port.start() if port else len(host)
    return host[:end].encode("idna") + host[end:].encode("ascii")


def _escape(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]
