"""Shapes of addresses: where the gateway listens, where endpoints are, whom it trusts."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from strangler.config.model import Endpoint
from strangler.kit.shapes import Parsed, UnfitError

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\.?")
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]/]*):([0-9]{1,5})")
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::([0-9]{1,5}))?")
_LAST_PORT = 65_535
_PORTS = {"http": 80, "https": 443}


def is_host(text: str) -> bool:
    """Whether a text is an IP address (IPv6 without brackets) or may be the name of a host."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST_NAME.fullmatch(text) is not None
    return "%" not in text  # a zone means something on one machine only


def is_authority(text: str) -> bool:
    """Whether a text is a host as a URL or a Host header says it: `a`, `a:80`, `[::1]:80`."""
    parts = _AUTHORITY.fullmatch(text)
    if parts is None or int(parts[3] or 0) > _LAST_PORT:
        return False
    return is_ipv6(parts[1]) if parts[1] else ":" not in parts[2] and is_host(parts[2])


def is_ipv6(text: str) -> bool:
    """Whether a text is an IPv6 address without brackets and zone."""
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False


def listen_address(text: str) -> str:
    """`HOST:PORT`, `[::1]:PORT`, or `:PORT` for every interface, as written; raises UnfitError."""
    parts = _LISTEN.fullmatch(text)
    if parts is None:
        raise UnfitError(
            "is not an address", "write `HOST:PORT`, such as `127.0.0.1:8080`", _near(text)
        )
    if int(parts[2]) > _LAST_PORT:
        raise UnfitError("has no valid port", "write a port from 0 to 65535")
    host = parts[1]
    if host and not (is_ipv6(host[1:-1]) if host[0] == "[" else is_host(host)):
        raise UnfitError("has no valid host", "write such as `127.0.0.1:8080`")
    return text


def endpoint(text: str) -> Endpoint:
    """`http://host:port`, `https://host:port` or `unix:/path`; raises UnfitError."""
    if text.startswith("unix:"):
        return _unix(text.removeprefix("unix:"))
    url = _url(text)
    if url.scheme not in _PORTS:
        raise UnfitError("is not an endpoint", "its scheme must be `http`, `https` or `unix`")
    if url.username is not None:
        raise UnfitError(
            "holds credentials",
            "take them out, and write `request_headers: {set: {Authorization: ...}}` on the routes",
        )
    if url.path not in {"", "/"} or "?" in text or "#" in text:
        raise UnfitError(
            "has a path, and an endpoint has none",
            "end it after the port, and write `rewrite: {add_prefix: ...}` on the routes",
        )
    host, port = url.hostname or "", _PORTS[url.scheme] if url.port is None else url.port
    if not is_host(host) or port == 0:
        raise UnfitError("has no valid host or port", "write such as `http://127.0.0.1:8000`")
    return Endpoint(host, port, tls=url.scheme == "https")


def network(text: str) -> str:
    """A network in CIDR notation, or one address; raises UnfitError."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise UnfitError(
            "is not a network", "write such as `10.0.0.0/8` or `192.0.2.7`", _masked(text)
        ) from None


_STRING = {"type": "string"}
LISTEN = Parsed("an address such as `127.0.0.1:8080`", listen_address, _STRING)
ENDPOINT = Parsed("an address such as `http://127.0.0.1:8000`", endpoint, _STRING)
NETWORK = Parsed("a network such as `10.0.0.0/8`", network, _STRING)


def _unix(path: str) -> Endpoint:
    if path.startswith("//"):
        path = "/" + path.lstrip("/")
    printable = path.isprintable()
    if not path.startswith("/") or not printable or len(path.encode()) > 107:
        raise UnfitError(
            "is not a Unix socket",
            "write `unix:` and an absolute path of at most 107 bytes, such as `unix:/run/app.sock`",
        )
    return Endpoint(host="", port=0, unix=path)


def _url(text: str) -> SplitResult:
    if "://" not in text:
        raise UnfitError(
            "is not an endpoint",
            "write the scheme too, such as `http://127.0.0.1:8000`",
            f"write the scheme too, such as `http://{text}`" if "/" not in text else None,
        )
    try:
        url = urlsplit(text)
        _ = url.port  # parsed only when asked for
    except ValueError:
        raise UnfitError(
            "has no valid port, or an open bracket", "write `http://host:port`"
        ) from None
    return url


def _near(text: str) -> str | None:
    if "://" in text:
        return "leave the scheme out and write `HOST:PORT`"
    if text.isdigit():
        return f"write a host too, as `127.0.0.1:{text}`, or `:{text}` for every interface"
    return None


def _masked(text: str) -> str | None:
    try:
        return (
            f"bits are set behind the mask, so write `{ipaddress.ip_network(text, strict=False)}`"
        )
    except ValueError:
        return None
