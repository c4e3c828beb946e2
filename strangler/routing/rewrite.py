"""Changes of a path on its way to an upstream, and of what comes back.

A rewrite acts on the raw bytes by whole segments: `/%61pi/a%2Fb` without the prefix `/api` is
`/a%2Fb`, as the segments it matched are taken away and the rest stays untouched. The query is not
part of it. A result always starts with exactly one slash, so that it can never be read as
`//host`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from urllib.parse import quote

from strangler.config.model import PathKind, Redirect, Rewrite, Route
from strangler.routing.paths import canonical

_ABSOLUTE = re.compile(rb"(?:([A-Za-z][A-Za-z0-9+.-]*):)?//([^/?#\\]*)([/?#].*)?", re.DOTALL)
_PATH = re.compile(rb"[^?#]*")
_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}


class _Step:
    """One prefix that becomes another; each without its trailing slash, empty for none."""

    __slots__ = ("new", "new_text", "old", "old_text")

    def __init__(self, old: str, new: str) -> None:
        self.old_text, self.new_text = _prefix(old), _prefix(new)
        self.old, self.new = canonical(self.old_text), canonical(self.new_text)

    def applies(self, path: bytes) -> bool:
        return _rest(path, self.old) is not None

    def forward(self, path: bytes) -> bytes:
        rest = _rest(path, self.old)
        return path if rest is None else _join(self.new_text, rest)

    def back(self, path: bytes) -> bytes | None:
        rest = _rest(path, self.new)
        return None if rest is None else _join(self.old_text, rest)


def _prefix(text: str) -> bytes:
    escaped = quote(text.strip("/"), safe="/%:@!$&'()*+,;=~", errors="surrogateescape")
    return b"/" + escaped.encode("ascii") if escaped else b""


def _rest(path: bytes, prefix: bytes) -> bytes | None:
    """The raw bytes after a canonical prefix, or None if the path is not under it."""
    if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in {b"", b"/"}:
        return path[len(prefix) :]
    if b"%" not in path:
        return None
    wanted, segments = prefix.split(b"/"), path.split(b"/")
    if [canonical(segment) for segment in segments[: len(wanted)]] != wanted:
        return None
    return b"".join(b"/" + segment for segment in segments[len(wanted) :])


def _join(prefix: bytes, rest: bytes) -> bytes:
    if rest:
        return prefix + b"/" + rest.lstrip(b"/\\")
    return prefix or b"/"


class CompiledRewrite:
    """A route's rewrite; steps whose prefix is not there leave the path as it is."""

    __slots__ = ("_steps", "active")

    def __init__(self, rewrite: Rewrite) -> None:
        steps = []
        if rewrite.strip_prefix is not None:
            steps.append(_Step(rewrite.strip_prefix, ""))
        if rewrite.replace_prefix is not None:
            steps.append(_Step(*rewrite.replace_prefix))
        if rewrite.add_prefix is not None:
            steps.append(_Step("", rewrite.add_prefix))
        self._steps = tuple(steps)
        self.active = bool(steps)
        """Whether there is anything to do; False spares the calls."""

    def path(self, path: bytes) -> bytes:
        """The path to send upstream."""
        for step in self._steps:
            path = step.forward(path)
        return path

    def is_clear(self, readings: Iterable[bytes]) -> bool:
        """Whether the rewrite means the same for every reading of a path.

        No, if a `..` is left in one (it could climb out of the prefix that is added), or if a
        prefix is there in one and not in another.
        """
        applied = set()
        for reading in readings:
            if b".." in reading.split(b"/"):
                return False
            applied.add(self._applied(reading))
        return len(applied) <= 1

    def _applied(self, path: bytes) -> tuple[bool, ...]:
        applied = []
        for step in self._steps:
            applied.append(step.applies(path))
            path = step.forward(path)
        return tuple(applied)

    def location(
        self, value: bytes, *, upstream_origins: Collection[bytes], public_origin: bytes
    ) -> bytes:
        """A Location or Content-Location as the client must see it (RFC 9110 10.2.2).

        Origins are `scheme://host[:port]`. A URL at an upstream's or the public origin gets the
        public origin, and the rewrite is undone in its path; so it is in a reference that starts
        with one slash. Relative references and other origins are left alone.
        """
        if value.startswith(b"/") and not value.startswith(b"//"):
            return self._back_reference(value) if self._steps else value
        absolute = _ABSOLUTE.fullmatch(value)
        if absolute is None:
            return value
        scheme, authority, reference = absolute.groups()
        if not _is_ours(scheme, authority, (*upstream_origins, public_origin)):
            return value
        return public_origin + self._back_reference(reference or b"")

    def set_cookie(self, value: bytes, *, upstream_hosts: Collection[bytes] = ()) -> bytes:
        """A Set-Cookie value as the client must see it: Path mapped back, Domain widened never.

        A Domain that names an upstream's host (lower case) is dropped, which leaves the cookie to
        the host the client asked. `__Host-` cookies keep the path they must have (RFC 6265bis).
        """
        first, *attributes = value.split(b";")
        kept = [first]
        for attribute in attributes:
            name, _, text = attribute.partition(b"=")
            key, text = name.strip().lower(), text.strip()
            if key == b"domain" and text.lstrip(b".").lower() in upstream_hosts:
                continue
            if key == b"path" and text.startswith(b"/") and not first.startswith(b"__Host-"):
                attribute = name + b"=" + self._back_cookie_path(text)  # noqa: PLW2901
            kept.append(attribute)
        return b";".join(kept)

    def _back(self, path: bytes) -> bytes:
        """The public path of an upstream's path; itself if the rewrite never leads there."""
        public = path
        for step in reversed(self._steps):
            before = step.back(public)
            if before is None:
                return path
            public = before
        return public

    def _back_reference(self, reference: bytes) -> bytes:
        found = _PATH.match(reference)
        path = b"" if found is None else found[0]
        if not path and not self._steps:
            return reference
        return self._back(path or b"/") + reference[len(path) :]

    def _back_cookie_path(self, path: bytes) -> bytes:
        public = self._back(path)
        return public if path != b"/" else public.rstrip(b"/") or b"/"


def _is_ours(scheme: bytes | None, authority: bytes, origins: Iterable[bytes]) -> bool:
    for origin in origins:
        known, _, host = origin.lower().partition(b"://")
        wanted = known if scheme is None else scheme.lower()
        port = _DEFAULT_PORTS.get(known, b"")
        if wanted == known and authority.lower().removesuffix(port) == host.removesuffix(port):
            return True
    return False


def route_rewrite(route: Route) -> CompiledRewrite | None:
    """What a route does to the path, be it for an upstream or for a redirect; None for nothing."""
    action, match = route.action, route.match
    if isinstance(action, Redirect):
        if action.prefix is None or match.kind is not PathKind.PREFIX:
            return None
        return CompiledRewrite(Rewrite(replace_prefix=(match.path, action.prefix)))
    rewrite = CompiledRewrite(route.rewrite)
    return rewrite if rewrite.active else None
