"""Which database a URL means, so that two URLs of one database are seen to be the same."""

from __future__ import annotations

import posixpath
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

FAMILIES: Final = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
}
"""What a URL's scheme means, whatever driver is named behind a `+`."""

_PORTS: Final = {"postgresql": 5432, "mysql": 3306}
_HERE: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})


def family(url: str) -> str | None:
    """`postgresql`, `mysql` or `sqlite`; None for what is no URL of a database."""
    parts = split(url)
    return FAMILIES.get(parts.scheme.split("+")[0]) if parts else None


def database_of(url: str) -> str:
    """What the URL names, without user, password and options; the URL itself if it names nothing.

    Two results that are equal are one database. Two that differ may still be: only the servers
    know whether two addresses lead to the same place.
    """
    parts, kind = split(url), family(url)
    if parts is None or kind is None:
        return url
    if kind == "sqlite":
        return f"sqlite:{posixpath.normpath(unquote(parts.path)[1:])}"
    query = parse_qs(parts.query)
    host = (parts.hostname or query.get("host", query.get("unix_socket", [""]))[0]).lower()
    port = parts.port or _PORTS[kind]
    return f"{kind}://{'localhost' if host in _HERE else host}:{port}{unquote(parts.path)}"


def split(url: str) -> SplitResult | None:
    """The URL's parts; None for what cannot be one."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # parsed only when asked for
    except ValueError:
        return None
    return parts
