"""Who the client is, and how that is told to an upstream (X-Forwarded-*, RFC 7239).

What a client says about itself is replaced. A trusted proxy in front of the gateway is believed:
the lists it sends are appended to, and the client is the rightmost address in them that is not a
trusted proxy's, since everything left of it may be made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from strangler.routing.fields import Headers

Said = dict[bytes, bytes]
"""What a trusted proxy says: values by lower-case name."""

_REMEMBERED = 4096
_LONGEST_NODE = 64
"""An IPv6 address with brackets, port and quotes has up to 55 bytes."""
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
    return _address_of(node) if len(node) <= _LONGEST_NODE else None


@lru_cache(maxsize=_REMEMBERED)
def _address_of(node: bytes) -> bytes | None:
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


class Origin(NamedTuple):
    """How the client sees the gateway."""

    https: bool
    host: bytes
    """With a port if the client named one; empty if none was sent that can be a host."""

    def url(self) -> bytes:
        """`scheme://host[:port]`, or empty without a host."""
        return _scheme(https=self.https) + b"://" + self.host if self.host else b""


class Forwarding:
    """What upstreams are told about clients.

    `peer` is the address of a connection's other end as `address_of` gives it. `given` are the
    request's raw pairs whose lower-case names are in `headers.FORWARDING`; they count only if
    the peer is trusted.
    """

    __slots__ = ("_port", "_trusted")

    def __init__(self, trusted_proxies: Sequence[str] = (), *, port: int | None = None) -> None:
        """`port` is the listener's, for X-Forwarded-Port; raises ValueError for a bad network."""
        self._trusted = TrustedProxies(trusted_proxies)
        self._port = b"" if port is None else b"%d" % port

    def client_address(self, peer: bytes, given: Headers) -> bytes:
        """Who the client is, for buckets and logs."""
        if not given or not self._trusted.trusts(peer):
            return peer
        return client_address(peer, _nodes(_joined(given)), self._trusted)

    def origin(self, peer: bytes, given: Headers, host: bytes, *, https: bool) -> Origin:
        """The scheme and host the client used; `host` and `https` are this connection's."""
        believed = _joined(given) if given and self._trusted.trusts(peer) else {}
        return _origin(believed, host, https=https)

    def peer_lines(self, peer: bytes, *, https: bool) -> bytes:
        """The header lines that are the same for all requests of an untrusted peer.

        X-Forwarded-Host is left to the caller, as it changes with the request.
        """
        element = _element(peer, b"", https=https)
        return _lines(peer, b"", self._port, https=https) + b"Forwarded: " + element + b"\r\n"

    def lines(self, peer: bytes, given: Headers, host: bytes, *, https: bool) -> bytes:
        """All header lines for one request, `X-Forwarded-Host` included."""
        if not self._trusted.trusts(peer):
            named = b"X-Forwarded-Host: " + host + b"\r\n" if host else b""
            return self.peer_lines(peer, https=https) + named
        said = _joined(given)
        origin = _origin(said, host, https=https)
        before = said.get(b"x-forwarded-for", b"")
        lines = _lines(peer, before, self._port_for(said, origin), https=origin.https)
        if origin.host:
            lines += b"X-Forwarded-Host: " + origin.host + b"\r\n"
        element = _element(peer, host, https=https)
        if b"x-real-ip" in said:
            lines += b"X-Real-IP: " + said[b"x-real-ip"] + b"\r\n"
        elements = said.get(b"forwarded")
        return lines + b"Forwarded: " + (elements + b", " if elements else b"") + element + b"\r\n"

    def _port_for(self, said: Said, origin: Origin) -> bytes:
        """The port a trusted proxy names, or that its host and scheme imply, else our own."""
        port = _last(said, b"x-forwarded-port")
        if _PORT.fullmatch(port):
            return port
        if b"x-forwarded-proto" not in said and b"x-forwarded-host" not in said:
            return self._port
        found = _HOST.fullmatch(origin.host)
        return (found[1] if found else None) or (b"443" if origin.https else b"80")


def _joined(given: Headers) -> Said:
    """Repeated fields as one list (RFC 9110 5.3)."""
    said: Said = {}
    for name, value in given:
        said[name] = said[name] + b", " + value if name in said else value
    return said


def _last(said: Said, name: bytes) -> bytes:
    """The member that the nearest proxy wrote."""
    return said.get(name, b"").rpartition(b",")[2].strip()


def _origin(said: Said, host: bytes, *, https: bool) -> Origin:
    proto = _last(said, b"x-forwarded-proto").lower()
    https = proto == b"https" if proto in {b"http", b"https"} else https
    public = _last(said, b"x-forwarded-host")
    if public and _HOST.fullmatch(public):
        return Origin(https, public)
    return Origin(https, host if _HOST.fullmatch(host) else b"")


def _nodes(said: Said) -> list[bytes]:
    """The addresses that proxies wrote, oldest first: X-Forwarded-For, else Forwarded's `for=`."""
    before = said.get(b"x-forwarded-for")
    if before:
        return before.split(b",")
    pairs = _PAIR.findall(said.get(b"forwarded", b""))
    return [value for name, value in pairs if name.lower() == b"for"]


def _scheme(*, https: bool) -> bytes:
    return b"https" if https else b"http"


def _lines(peer: bytes, before: bytes, port: bytes, *, https: bool) -> bytes:
    lines = b"X-Forwarded-For: " + (before + b", " + peer if before else peer)
    lines += b"\r\nX-Forwarded-Proto: " + _scheme(https=https) + b"\r\n"
    return lines + b"X-Forwarded-Port: " + port + b"\r\n" if port else lines


def _element(peer: bytes, host: bytes, *, https: bool) -> bytes:
    """Our member of Forwarded; IPv6 addresses and hosts with a port need quotes (RFC 7239 4, 6)."""
    node = b'"[' + peer + b']"' if b":" in peer else peer
    element = b"for=" + node + b";proto=" + _scheme(https=https)
    if not host:
        return element
    return element + b';host="' + host.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
