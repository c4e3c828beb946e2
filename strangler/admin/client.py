"""The admin API from a command's side: one request per call, over TCP or a Unix socket.

The standard library's client is enough here and loads in a tenth of the time of a full one, which
a person at a prompt notices.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from strangler.admin.calls import CALLS
from strangler.admin.failures import Failure, Kind

TIMEOUT = 30.0
_CONNECT_TIMEOUT = 2.0


class GatewayClient:
    """A running gateway, asked over its admin address."""

    def __init__(self, address: str, token: str | None = None) -> None:
        """`address` is `HOST:PORT`, `http://HOST:PORT` or `unix:/PATH`.

        Raises `Failure`, of kind FORBIDDEN, for a token that no header can carry.
        """
        self.address = address
        self._token = _sendable(token or "")

    def call(self, name: str, body: Mapping[str, Any]) -> Any:
        """The answer's JSON; raises `Failure`, of kind UNAVAILABLE if nobody answers."""
        path = f"/api/{name}"
        if CALLS[name].method == "GET":
            return self._request("GET", f"{path}?{urlencode(body)}" if body else path, None)
        return self._request("POST", path, json.dumps(body).encode())

    def identity(self) -> Mapping[str, Any] | None:
        """Which store and which file the gateway serves; None if no gateway answers there."""
        try:
            answer = self._request("GET", "/api/identity", None)
        except Failure as failure:
            if failure.kind in {Kind.UNAVAILABLE, Kind.USAGE}:
                return None
            raise
        return answer if isinstance(answer, Mapping) else None

    def watches(self, file: Path) -> bool:
        """Whether the gateway makes that file live as soon as it is saved."""
        return (self.identity() or {}).get("watched") == str(file.resolve())

    def _request(self, method: str, path: str, body: bytes | None) -> Any:
        connection = _connection(self.address)
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            connection.request(method, quote(path, safe="/?&=%+"), body, headers)
            response = connection.getresponse()
            return _answer(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise Failure(
                Kind.UNAVAILABLE, f"no gateway answers at {self.address} ({error})"
            ) from error
        finally:
            connection.close()


def _sendable(token: str) -> str:
    """The token without the white space around it, such as the newline at the end of a file.

    The refusal does not show it: what is nearly a token is nearly a secret.
    """
    token = token.strip()
    if any(not "!" <= letter <= "~" for letter in token):
        raise Failure(
            Kind.FORBIDDEN,
            "STRANGLER_ADMIN_TOKEN holds a character that no token has: "
            "it must be the one line that `strangler token` printed",
        )
    return token


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket's path."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_CONNECT_TIMEOUT)
        self.sock.connect(self._path)
        self.sock.settimeout(TIMEOUT)


class _TcpConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        """Connect quickly or not at all; answers may take longer."""
        self.timeout = _CONNECT_TIMEOUT
        super().connect()
        self.sock.settimeout(TIMEOUT)


def _connection(address: str) -> http.client.HTTPConnection:
    if address.startswith("unix:"):
        return _UnixConnection(address.removeprefix("unix:"))
    url = urlsplit(address if "//" in address else f"//{address}")
    try:
        if not url.hostname or not url.port or url.scheme not in {"", "http"}:
            raise ValueError(address)
    except ValueError as error:
        raise Failure(
            Kind.USAGE, f"{address!r} is no admin address: write HOST:PORT or unix:/PATH"
        ) from error
    return _TcpConnection(url.hostname, url.port)


def _answer(status: int, data: bytes) -> Any:
    try:
        answer = json.loads(data) if data else {}
    except ValueError as error:
        raise Failure(
            Kind.UNAVAILABLE, f"what answers there is no gateway (status {status})"
        ) from error
    if status < 400:
        return answer
    told = answer if isinstance(answer, dict) else {}
    kind = told.get("kind")
    raise Failure(
        Kind(kind) if kind in set(Kind) else Kind.UNAVAILABLE,
        str(told.get("error") or f"the gateway answered {status}"),
        tuple(str(problem) for problem in told.get("problems") or ()),
    )
