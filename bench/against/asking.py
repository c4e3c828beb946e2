"""Asks a gateway a fixed number of times: `python -m bench.against.asking PORT FILE TIMES`.

The requests of FILE (see `bench.requests`) one after another on one connection, so that the
gateway does the same work each time, whoever counts it. A process of its own, as `perf stat`
counts for as long as a command runs.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from bench import requests

_LIMIT = 60.0
"""Seconds an answer may take: whoever counts instructions slows the gateway down."""


def ask(port: int, sent: list[bytes]) -> None:
    """Send each when the one before is answered. Raises OSError or SystemExit."""
    with socket.create_connection(("127.0.0.1", port), timeout=_LIMIT) as connection:
        for one in sent:
            connection.sendall(one)
            _answer(connection)


def _answer(connection: socket.socket) -> None:
    data = b""
    while not complete(data):
        part = connection.recv(65536)
        if not part:
            raise SystemExit(f"the gateway hung up: {data[:100]!r}")
        data += part
    if not data.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"answer {data[:100]!r}")


def complete(data: bytes) -> bool:
    """Whether the head, and as much body as its Content-Length says, are there."""
    head, end, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return bool(end) and len(body) >= int(value)
    return False


if __name__ == "__main__":
    ask(int(sys.argv[1]), requests.read(Path(sys.argv[2])) * int(sys.argv[3]))
