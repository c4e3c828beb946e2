"""Which database a URL means, so that two URLs of one database are seen to be the same."""

from __future__ import annotations

import posixpath
from typing import Final
from urllib.parse import SplitResult, parse_qs, parse_qsl, unquote, urlsplit

FAMILIES: Final = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
}
"""What a URL's scheme means, whatever driver is named behind a `+`."""

MYSQL_TLS: Final[tuple[str, ...]] = (
    "ssl_ca", "ssl_cert", "ssl_key", "ssl_key_password", "ssl_verify_cert", "ssl_verify_identity",
    "ssl_disabled",
)  # fmt: skip
"""PyMySQL's arguments that a URL's query may hold."""

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


def mysql_tls(url: str) -> dict[str, str | bool]:
    """What a URL's query says of TLS, as PyMySQL's arguments.

    Who names an authority wants it asked: to PyMySQL a file alone would mean that it is not. On a
    Unix socket nobody is between the two ends, so that without a word there is no TLS: PyMySQL
    would read all of the system's authorities for each session, some 40 ms of CPU.
    """
    parts = split(url)
    query = dict(parse_qsl(parts.query)) if parts else {}
    said = {name: _argument(query[name]) for name in MYSQL_TLS if name in query}
    if parts and not said and _is_socket(parts, query):
        return {"ssl_disabled": True}
    checked = {"ssl_verify_cert": True, "ssl_verify_identity": True} if "ssl_ca" in said else {}
    return {**checked, **said}


def _is_socket(parts: SplitResult, query: dict[str, str]) -> bool:
    return unquote(parts.hostname or "").startswith("/") or "unix_socket" in query


def _argument(value: str) -> str | bool:
    return {"true": True, "false": False}.get(value.lower(), value)


def split(url: str) -> SplitResult | None:
    """The URL's parts; None for what cannot be one."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # parsed only when asked for
    except ValueError:
        return None
    return parts
