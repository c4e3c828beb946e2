"""The bytes of the requests that a load consists of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.setup import COOKIE, REQUESTS, Setup, identity, path
from bench.upstreams import LARGE_PATH

POST_BYTES = 10 * 1024
POST_PATH = "/svc-000/count"


def get(target: str, cookie: str) -> bytes:
    """A GET such as a small API client sends."""
    return (
        f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n"
        f"Accept: application/json\r\nCookie: {cookie}\r\n\r\n"
    ).encode()


def identities() -> list[str]:
    """Cookie headers, one per request of a load."""
    return [f"{COOKIE}={identity(n)}" for n in range(REQUESTS)]


def gets(setup: Setup, cookies: Sequence[str]) -> list[bytes]:
    """The routes in turn, one request for each Cookie header."""
    return [get(path(n, setup.routes), cookie) for n, cookie in enumerate(cookies)]


def large() -> list[bytes]:
    """The 1 MB answer."""
    return [get(LARGE_PATH, f"{COOKIE}={identity(0)}")]


def posts() -> list[bytes]:
    """A 10 KB body with its length."""
    head = (
        f"POST {POST_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {POST_BYTES}\r\n\r\n"
    )
    return [head.encode() + b"x" * POST_BYTES]


def write(requests: Sequence[bytes], file: Path) -> None:
    """Write them for `load.lua` and `bench.openloop`: length, line feed, bytes, line feed."""
    file.write_bytes(b"".join(b"%d\n%b\n" % (len(one), one) for one in requests))


def read(file: Path) -> list[bytes]:
    """Read what `write` wrote."""
    data, requests, at = file.read_bytes(), [], 0
    while at < len(data):
        begin = data.index(b"\n", at) + 1
        end = begin + int(data[at:begin])
        requests.append(data[begin:end])
        at = end + 1
    return requests
