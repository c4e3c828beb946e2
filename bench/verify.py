"""A wrong fast answer does not count: what is checked around each load."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPSConnection

from bench.peers.base import Running
from bench.requests import POST_BYTES, POST_PATH
from bench.setup import CANARY_PERCENT, Setup, answer, path
from bench.upstreams import HEADERS_PATH, LARGE_PATH, Upstreams

SAMPLES = 200
"""Requests checked one by one before a load."""
TOLERANCE = 3.0
"""Points by which the canary's share may differ from 10 %: over 4 standard deviations at the
2,000 identities of a load."""


class WrongAnswerError(Exception):
    """The proxy did something other than it was asked to."""


def connect(running: Running, timeout: float = 10.0) -> HTTPConnection:
    """A keep-alive connection to the proxy."""
    if running.tls:
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        return HTTPSConnection("127.0.0.1", running.port, timeout=timeout, context=trusting)
    return HTTPConnection("127.0.0.1", running.port, timeout=timeout)


def ask(connection: HTTPConnection, target: str, cookie: str = "", body: bytes = b"") -> bytes:
    """The body of the answer, which must be a 200. Raises WrongAnswerError."""
    headers = {"Cookie": cookie} if cookie else {}
    connection.request("POST" if body else "GET", target, body or None, headers)
    response = connection.getresponse()
    data = response.read()
    if response.status != 200:
        raise WrongAnswerError(f"{target}: status {response.status}: {data[:100]!r}")
    return data


def check_sides(running: Running, setup: Setup, cookies: Sequence[str]) -> None:
    """Bodies are one side's, to the byte; an identity (Cookie header) keeps its side."""
    connection = connect(running)
    first = _sides(connection, setup, cookies[:SAMPLES])
    if _sides(connection, setup, cookies[:SAMPLES]) != first:
        raise WrongAnswerError("an identity changed sides between two requests")
    if not setup.canary and "new" in first:
        raise WrongAnswerError("the new side was asked without a canary")
    connection.close()


def _sides(connection: HTTPConnection, setup: Setup, cookies: Sequence[str]) -> list[str]:
    bodies = {answer("old"): "old", answer("new"): "new"}
    found = []
    for n, cookie in enumerate(cookies):
        body = ask(connection, path(n, setup.routes), cookie)
        if body not in bodies:
            raise WrongAnswerError(f"{path(n, setup.routes)}: unknown body {body[:100]!r}")
        found.append(bodies[body])
    return found


def check_headers(running: Running) -> None:
    """The upstream is told the client's address and a request id of its own each time.

    Any address will do: Envoy writes the machine's own where the client's is a loopback one.
    """
    connection = connect(running)
    told = [ask(connection, HEADERS_PATH).decode().split() for _ in range(2)]
    connection.close()
    if any(len(words) != 2 or not _is_address(words[0]) for words in told):
        raise WrongAnswerError(f"X-Forwarded-For and X-Request-ID at the upstream: {told}")
    if told[0][1] == told[1][1]:
        raise WrongAnswerError("two requests had one id")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def check_large(running: Running, upstreams: Upstreams) -> None:
    """The 1 MB answer arrives to the byte."""
    connection = connect(running)
    if ask(connection, LARGE_PATH) != upstreams.large:
        raise WrongAnswerError("the 1 MB answer differs")
    connection.close()


def check_post(running: Running) -> None:
    """A body arrives to the byte, and comes back to the byte."""
    connection = connect(running)
    body = bytes(range(256)) * (POST_BYTES // 256)
    if ask(connection, "/svc-000/echo", body=body) != body:
        raise WrongAnswerError("an echoed body differs")
    counted = ask(connection, POST_PATH, body=body)
    if counted != b'{"bytes":%d}' % POST_BYTES:
        raise WrongAnswerError(f"the upstream counted {counted!r}")
    connection.close()


def check_share(old: int, new: int, requests: int, *, canary: bool) -> None:
    """The upstreams served what the load counted, in the right proportion.

    `old`, `new`: requests each side served during the load.
    """
    if old + new < requests:
        raise WrongAnswerError(f"{requests} answers, but the upstreams served {old + new}")
    share = 100 * new / max(1, old + new)
    wanted = CANARY_PERCENT if canary else 0
    if abs(share - wanted) > (TOLERANCE if canary else 0.1):
        raise WrongAnswerError(f"{share:.1f} % went to the new side instead of {wanted} %")


def check_load(errors: int, received: int, requests: int, body: int) -> None:
    """No errors, at least one answer, and no answer shorter than its body."""
    if errors or not requests:
        raise WrongAnswerError(f"{errors} errors in {requests} requests")
    if received < requests * body:
        raise WrongAnswerError(f"{received} bytes in {requests} answers of {body}")


def signed_cookies(running: Running, setup: Setup, wanted: int) -> Sequence[str]:
    """Cookie headers with identities that the gateway itself issued."""
    connection = connect(running)
    found = []
    for n in range(wanted):
        connection.request("GET", path(n, setup.routes))
        response = connection.getresponse()
        response.read()
        given = response.getheader("Set-Cookie")
        if given is None:
            raise WrongAnswerError("no identity cookie was issued")
        found.append(given.split(";")[0])
    connection.close()
    return found
