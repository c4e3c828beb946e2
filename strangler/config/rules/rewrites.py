"""Rules about changed paths: a rewrite must apply, and a redirect must lead away."""

from __future__ import annotations

import re
from collections.abc import Iterator

from strangler.config.model import Match, PathKind, Redirect, Route
from strangler.config.rules.source import Source
from strangler.kit.problems import Problem


def prefixes_apply(source: Source) -> Iterator[Problem]:
    """A prefix that is cut off or exchanged must stand at the begin of every matched path."""
    for index, route in enumerate(source.table.routes):
        path = _surely(route.match)
        strip, replace = route.rewrite.strip_prefix, route.rewrite.replace_prefix
        if path is None:
            continue
        if strip is not None:
            if not _under(path, strip):
                yield source.error(index, ("rewrite", "strip_prefix"), _never(strip, path))
                continue
            path = path[len(strip.rstrip("/")) :] or "/"
        if replace is not None and not _under(path, replace[0]):
            yield source.error(
                index, ("rewrite", "replace_prefix", "from"), _never(replace[0], path)
            )


def redirects_lead_away(source: Source) -> Iterator[Problem]:
    """A redirect to what its own route matches is a loop; a new prefix needs an old one."""
    for index, route in enumerate(source.table.routes):
        redirect = route.action
        if not isinstance(redirect, Redirect):
            continue
        if redirect.prefix is not None and route.match.kind is not PathKind.PREFIX:
            yield source.error(
                index,
                ("redirect", "prefix"),
                "a new prefix replaces the matched one: match with `prefix:`, or write `path:`",
            )
        elif _stays(route, redirect) and _returns(route.match, redirect):
            yield source.error(
                index,
                ("redirect",),
                "this leads back to the same route, for ever: redirect to a path that the route"
                " does not match",
            )
        elif _only_scheme(redirect) and not route.match.headers:
            yield source.warning(
                index,
                ("redirect", "scheme"),
                "requests that came by this scheme already are redirected too, for ever: add"
                " `headers: {X-Forwarded-Proto: ...}` to the match unless they never come here",
            )


def _surely(match: Match) -> str | None:
    """The text that all matched paths begin with; None where a regex leaves it open."""
    if match.kind is PathKind.REGEX:
        return None
    if match.kind is PathKind.TEMPLATE:
        return match.path.partition("{")[0]
    return match.path if match.kind is not PathKind.ANY else "/"


def _under(path: str, prefix: str) -> bool:
    """Whether a path is a prefix or below it, by whole segments."""
    bare = prefix.rstrip("/")
    return path == bare or path.startswith(f"{bare}/")


def _never(prefix: str, path: str) -> str:
    return (
        f"not every matched path begins with `{prefix}`, they begin with `{path}`:"
        " write a prefix of that"
    )


def _only_scheme(redirect: Redirect) -> bool:
    return redirect.scheme is not None and (redirect.host, redirect.path, redirect.prefix) == (
        None,
        None,
        None,
    )


def _stays(route: Route, redirect: Redirect) -> bool:
    """Whether the new location surely has the host, scheme and query that were matched."""
    if redirect.scheme is not None or (route.match.query and not redirect.keep_query):
        return False
    return redirect.host is None or redirect.host.lower() == route.match.host


def _returns(match: Match, redirect: Redirect) -> bool:
    """Whether the new path is matched again."""
    if redirect.prefix is not None:
        return _under(redirect.prefix, match.path)
    if redirect.path is None:
        return True
    return _matches(match, redirect.path)


def _matches(match: Match, path: str) -> bool:
    if match.kind is PathKind.EXACT:
        return path == match.path
    if match.kind is PathKind.PREFIX:
        return _under(path, match.path)
    if match.kind is PathKind.TEMPLATE:
        parts = re.split(r"(\{\w+\})", match.path)
        pattern = "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts)
        return re.fullmatch(pattern, path) is not None
    return match.kind is PathKind.ANY or re.fullmatch(match.path, path, re.DOTALL) is not None
