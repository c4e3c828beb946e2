"""The listening sockets: one per worker slot, on one address (SO_REUSEPORT).

The kernel spreads new connections over the sockets. Each is the supervisor's and outlives the
workers that accept from it: closing a listening socket resets the connections that wait in it, so
a worker's successor gets the same socket, not a new one.
"""

from __future__ import annotations

import socket
from typing import Final

BACKLOG: Final = 4096
"""Connections that may wait in one socket (the kernel caps it at somaxconn)."""


def parse_address(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[::1]:PORT` or `:PORT` (every address). Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is no address; write HOST:PORT, for example 127.0.0.1:8080")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    return ("" if host == "*" else host), int(port)


def bind_listeners(address: str, count: int) -> list[socket.socket]:
    """`count` bound sockets on one address; port 0 picks a free port, the same for all.

    Raises ValueError on a bad address, OSError if it cannot be bound, in particular if another
    process listens there: SO_REUSEPORT alone would silently share its traffic with us.
    """
    host, port = parse_address(address)
    family, _, _, _, place = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    _refuse_if_taken(family, place)
    sockets: list[socket.socket] = []
    try:
        for _ in range(count):
            sockets.append(_bound(family, place))
            place = sockets[0].getsockname()
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _refuse_if_taken(family: int, place: tuple[object, ...]) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(place)


def _bound(family: int, place: tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(place)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
