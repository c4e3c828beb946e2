"""Who the client is, and how that is told to an upstream (X-Forwarded-*, RFC 7239).

What a client says about itself is replaced. A trusted proxy in front of the gateway is believed:
the lists it sends are appended to, and the client is the rightmost address in them that is not a
trusted proxy's, since everything left of it may be made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from strangler.routing.fields import Headers, header_values

_REMEMBERED = 4096
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_PORT = re.compile(rb"[1-9][0-9]{0,4}")
_NODE = re.compile(
    rb'"?(?:\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+)(?::[0-9]+)?|([0-9A-Fa-f:.]+))"?'
)
_PAIR = re.compile(rb"([A-Za-z]+)=(\"(?:\\.|[^\"\\])*\"|[^\",;\s]*)")


def address_of(node: bytes) -> bytes | None:
    """The IP address in a member of X-Forwarded-For or a `for=` value, in its usual form.

    A port, brackets and quotes are taken off; None for `unknown`, names and garbage.
    """
    found = _NODE.fullmatch(node.strip())
    if found is None:
        return None
    try:
        address = ip_address((found[1] or found[2] or found[3]).decode("ascii"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address).encode("ascii")


class TrustedProxies:
    """Networks whose word about the client is believed."""

    __slots__ = ("_known", "_networks")

    def __init__(self, networks: Sequence[str]) -> None:
        """Raises ValueError for a network that is none."""
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ip_network(network, strict=False) for network in networks
        )
        self._known: dict[bytes, bool] = {}

    def trusts(self, address: bytes) -> bool:
        """Whether an address belongs to one of the networks; False if it is no address."""
        if not self._networks:
            return False
        known = self._known.get(address)
        if known is None:
            known = self._is_inside(address)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[address] = known
        return known

    def _is_inside(self, text: bytes) -> bool:
        usual = address_of(text)
        if usual is None:
            return False
        address = ip_address(usual.decode("ascii"))
        return any(address in network for network in self._networks)


def client_address(peer: bytes, before: Iterable[bytes], trusted: TrustedProxies) -> bytes:
    """The client's address: `before` are the members that proxies wrote, oldest first.

    Walks from the peer to the left as long as the address is trusted; a member that is no address
    ends the walk, and the proxy that wrote it counts as the client.
    """
    client = peer
    for node in reversed(list(before)):
        if not trusted.trusts(client):
            break
        address = address_of(node)
        if address is None:
            break
        client = address
    return client


class Forwarding(NamedTuple):
    """What is known about a request's origin."""

    client_ip: bytes
    https: bool
    """How the client came to the outermost trusted proxy."""
    origin: bytes
    """`scheme://host[:port]` as the client sees it; empty if the Host cannot be one."""
    lines: bytes
    """Complete header lines for the upstream."""


class Peer:
    """The other end of a client connection; one per connection."""

    __slots__ = ("_address", "_host", "_https", "_known", "_port", "_trusted", "trusted")

    def __init__(self, address: bytes, *, https: bool, port: int, trusted: TrustedProxies) -> None:
        """`address` as the socket tells it, `port` the listener's."""
        self._address = address_of(address) or b"unknown"
        self._https = https
        self._port = b"%d" % port
        self._trusted = trusted
        self.trusted = trusted.trusts(self._address)
        """Whether the peer is a proxy of ours."""
        self._host: bytes | None = None
        self._known = Forwarding(self._address, https, b"", b"")

    def forwarding(self, host: bytes, given: Headers) -> Forwarding:
        """The origin of a request with this Host value.

        `given` are the request's raw pairs whose names are in `headers.FORWARDING`; they count
        only if the peer is trusted. The answer for the last Host is remembered.
        """
        if given and self.trusted:
            return self._believed(host, given)
        if host != self._host:
            lines = _lines(self._address, b"", self._https, host, self._port)
            lines += b"Forwarded: " + _element(self._address, self._https, host) + b"\r\n"
            origin = _origin(self._https, host)
            self._host, self._known = host, Forwarding(self._address, self._https, origin, lines)
        return self._known

    def _believed(self, host: bytes, given: Headers) -> Forwarding:
        before = b", ".join(header_values(given, b"x-forwarded-for"))
        elements = b", ".join(header_values(given, b"forwarded"))
        nodes = before.split(b",") if before else _nodes(elements)
        proto = _last(given, b"x-forwarded-proto").lower()
        https = proto == b"https" if proto in {b"http", b"https"} else self._https
        public = _last(given, b"x-forwarded-host")
        public = public if _HOST.fullmatch(public) else host
        port = _last(given, b"x-forwarded-port")
        if not _PORT.fullmatch(port):
            port = self._port if not proto and public == host else _port_of(public, https=https)
        ours = _element(self._address, self._https, host)
        lines = _lines(self._address, before, https, public, port)
        lines += b"Forwarded: " + (elements + b", " + ours if elements else ours) + b"\r\n"
        for value in header_values(given, b"x-real-ip"):
            lines += b"X-Real-IP: " + value + b"\r\n"
        client = client_address(self._address, nodes, self._trusted)
        return Forwarding(client, https, _origin(https, public), lines)


def _last(given: Headers, name: bytes) -> bytes:
    """The member that the nearest proxy wrote."""
    values = header_values(given, name)
    return values[-1].rpartition(b",")[2].strip() if values else b""


def _nodes(elements: bytes) -> list[bytes]:
    """The `for=` values of a Forwarded value, in order (RFC 7239 4)."""
    return [value for name, value in _PAIR.findall(elements) if name.lower() == b"for"]


def _scheme(https: bool) -> bytes:
    return b"https" if https else b"http"


def _port_of(host: bytes, *, https: bool) -> bytes:
    found = _HOST.fullmatch(host)
    return (found[1] if found else None) or (b"443" if https else b"80")


def _origin(https: bool, host: bytes) -> bytes:
    return _scheme(https) + b"://" + host if _HOST.fullmatch(host) else b""


def _lines(address: bytes, before: bytes, https: bool, host: bytes, port: bytes) -> bytes:
    lines = b"X-Forwarded-For: " + (before + b", " + address if before else address)
    lines += b"\r\nX-Forwarded-Proto: " + _scheme(https)
    if host:
        lines += b"\r\nX-Forwarded-Host: " + host
    return lines + b"\r\nX-Forwarded-Port: " + port + b"\r\n"


def _element(address: bytes, https: bool, host: bytes) -> bytes:
    """Our member of Forwarded; IPv6 addresses and hosts with a port need quotes (RFC 7239 4, 6)."""
    node = b'"[' + address + b']"' if b":" in address else address
    element = b"for=" + node + b";proto=" + _scheme(https)
    if not host:
        return element
    return element + b';host="' + host.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
