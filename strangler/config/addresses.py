"""Shapes of addresses: where the gateway listens, where endpoints are, whom it trusts."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from strangler.config.model import Endpoint
from strangler.kit.nodes import Node, Scalar
from strangler.kit.reader import Reader
from strangler.kit.shapes import JsonSchema, Shape

_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?"
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class ListenAddress(Shape[str]):
    """`HOST:PORT`, `[::1]:PORT` or `:PORT` for every interface, as it was written."""

    def read(self, node: Node, reader: Reader) -> str | None:
        text = reader.text(node, "an address such as `127.0.0.1:8080`")
        if text is None:
            return None
        parts = re.fullmatch(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]/]*):(?P<port>[0-9]{1,5})", text)
        if parts is None:
            reader.error(node, f"{_shown(node)} is not an address: {_listen_hint(text)}")
        elif not 0 <= int(parts["port"]) <= 65535:
            reader.error(node, "a port is a number from 0 to 65535: write such as `127.0.0.1:8080`")
        elif parts["host"] and not is_host(parts["host"].strip("[]")):
            reader.error(node, f"{_shown(node)} has no valid host: write such as `127.0.0.1:8080`")
        else:
            return text
        return None

    def schema(self) -> JsonSchema:
        return {"type": "string"}


class EndpointUrl(Shape[Endpoint]):
    """`http://host:port`, `https://host:port` or `unix:/path`."""

    def read(self, node: Node, reader: Reader) -> Endpoint | None:
        text = reader.text(node, "an address such as `http://127.0.0.1:8000`")
        if text is None:
            return None
        if text.startswith("unix:"):
            return _unix(node, text, reader)
        result = _web(text)
        if isinstance(result, str):
            reader.error(node, f"{_shown(node)} is not an endpoint: {result}")
            return None
        return result

    def schema(self) -> JsonSchema:
        return {"type": "string"}


class Network(Shape[str]):
    """A network in CIDR notation, or one address."""

    def read(self, node: Node, reader: Reader) -> str | None:
        text = reader.text(node, "a network such as `10.0.0.0/8`")
        if text is None:
            return None
        try:
            return str(ipaddress.ip_network(text))
        except ValueError:
            reader.error(node, f"{_shown(node)} is not a network: {_network_hint(text)}")
            return None

    def schema(self) -> JsonSchema:
        return {"type": "string"}


def is_host(text: str) -> bool:
    """Whether a text is an IP address or may be the name of a host."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST_NAME.fullmatch(text) is not None
    return True


def _unix(node: Node, text: str, reader: Reader) -> Endpoint | None:
    path = text.removeprefix("unix:")
    if path.startswith("//"):
        path = "/" + path.lstrip("/")
    if not path.startswith("/") or len(path.encode()) > 107:
        reader.error(
            node,
            f"{_shown(node)} is not a Unix socket:"
            " write `unix:` and an absolute path of at most 107 bytes, such as `unix:/run/app.sock`",
        )
        return None
    return Endpoint(host="", port=0, unix=path)


def _web(text: str) -> Endpoint | str:
    """The endpoint, or what is wrong with the text."""
    if "://" not in text:
        return "write the scheme too, such as `http://127.0.0.1:8000`"
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return "its port is no number from 1 to 65535, or a bracket is open"
    wrong = _wrong_part(url.scheme, url.hostname, port, url.username is not None)
    if wrong:
        return wrong
    if url.path not in {"", "/"} or "?" in text or "#" in text:
        return (
            "an endpoint has no path: end it after the port, and use `rewrite: {add_prefix: ...}`"
        )
    return Endpoint(url.hostname or "", port or _DEFAULT_PORTS[url.scheme], url.scheme == "https")


def _wrong_part(scheme: str, host: str | None, port: int | None, credentials: bool) -> str | None:
    if scheme not in _DEFAULT_PORTS:
        return "the scheme must be `http`, `https` or `unix`"
    if credentials:
        return (
            "credentials do not belong in an address:"
            " set `request_headers: {set: {Authorization: ${NAME}}}` on the routes"
        )
    if not host or not is_host(host):
        return "it has no valid host: write such as `http://127.0.0.1:8000`"
    if port == 0:
        return "port 0 cannot be connected to"
    return None


def _listen_hint(text: str) -> str:
    if "://" in text:
        return "leave the scheme out and write `HOST:PORT`"
    if text.isdigit():
        return "write a host too, such as `127.0.0.1:8080`, or `:8080` for every interface"
    return "write `HOST:PORT`, such as `127.0.0.1:8080`"


def _network_hint(text: str) -> str:
    try:
        return f"bits are set behind the mask: write `{ipaddress.ip_network(text, strict=False)}`"
    except ValueError:
        return "write such as `10.0.0.0/8` or `192.0.2.7`"


def _shown(node: Node) -> str:
    return node.shown if isinstance(node, Scalar) else "this"
