"""Bytes on the wire that are the same for every request, made once."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Final

from strangler.proxy.counters import Refusal

STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
CONNECTION_CLOSE: Final = b"Connection: close\r\n"
CONNECTION_KEEP_ALIVE: Final = b"Connection: keep-alive\r\n"
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"

SAFE_METHODS: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))
"""RFC 9110, 9.2.1. Everything else is a write: counted, held by a fence, never sent twice."""

RETRY_AFTER: Final = frozenset(
    (
        Refusal.HOLD_FULL,
        Refusal.HOLD_TIMEOUT,
        Refusal.NO_ENDPOINT,
        Refusal.CONNECTIONS,
        Refusal.UPSTREAM_CONNECTIONS,
        Refusal.BUFFER_FULL,
        Refusal.LEASE_LOST,
        Refusal.DRAINING,
    )
)
"""Refusals that say when to come back (RFC 9110, 10.2.3)."""

_SENTENCES: Final = {
    Refusal.BAD_REQUEST: "The request is not valid HTTP/1.1.",
    Refusal.AMBIGUOUS_PATH: "The path can be read in several ways that lead to different places.",
    Refusal.AMBIGUOUS_LENGTH: "The length of the request's body is ambiguous.",
    Refusal.HOST: "The request needs exactly one valid Host.",
    Refusal.HEADER_TIMEOUT: "The request's head took too long.",
    Refusal.BODY_TIMEOUT: "The request's body took too long.",
    Refusal.BODY_TOO_LARGE: "The request's body is larger than this route takes.",
    Refusal.URI_TOO_LONG: "The request line is too long.",
    Refusal.EXPECTATION: "Only 100-continue can be expected.",
    Refusal.HEAD_TOO_LARGE: "The request's header fields are too large or too many.",
    Refusal.CLIENT_GONE: "The client went away.",
    Refusal.INTERNAL: "The gateway failed.",
    Refusal.METHOD: "The gateway does not do this method or transfer coding.",
    Refusal.CONNECT_FAILED: "The service behind the gateway could not be reached.",
    Refusal.UPSTREAM_RESET: "The service behind the gateway closed the connection.",
    Refusal.UPSTREAM_BAD_RESPONSE: "The service behind the gateway sent an invalid answer.",
    Refusal.NO_ENDPOINT: "No endpoint of the service is available.",
    Refusal.CONNECTIONS: "The gateway has too many connections.",
    Refusal.UPSTREAM_CONNECTIONS: "The service behind the gateway has too many connections.",
    Refusal.HOLD_FULL: "Writes are held for a moment and too many wait already.",
    Refusal.HOLD_TIMEOUT: "Writes are held for longer than a request may wait.",
    Refusal.LEASE_LOST: "The gateway may not write now.",
    Refusal.BUFFER_FULL: "The gateway collects too many request bodies already.",
    Refusal.DRAINING: "The gateway is shutting down.",
    Refusal.CONNECT_TIMEOUT: "The service behind the gateway did not accept in time.",
    Refusal.FIRST_BYTE_TIMEOUT: "The service behind the gateway did not answer in time.",
    Refusal.TOTAL_TIMEOUT: "The request took longer than it may.",
    Refusal.IDLE_TIMEOUT: "The service behind the gateway stopped in the middle.",
    Refusal.VERSION: "Only HTTP/1.0 and HTTP/1.1 are spoken here.",
}


def refusal_answer(
    refusal: Refusal,
    *,
    request_id: bytes = b"",
    close: bool = True,
    head_only: bool = False,
    lines: bytes = b"",
) -> bytes:
    """A whole answer: JSON `{"error": label, "detail": sentence, "request_id": id}`.

    `lines` are further header lines, each with its CRLF.
    """
    detail = {"error": refusal.label, "detail": _SENTENCES[refusal]}
    if request_id:
        detail["request_id"] = request_id.decode("latin-1")
    body = json.dumps(detail).encode()
    head = [
        STATUS_LINES.get(refusal.status, STATUS_LINES[400]),
        b"Content-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: %d\r\n"
        % len(body),
        lines,
    ]
    if request_id:
        head.append(b"X-Request-ID: " + request_id + b"\r\n")
    if refusal in RETRY_AFTER:
        head.append(b"Retry-After: 1\r\n")
    if close:
        head.append(CONNECTION_CLOSE)
    head.append(b"\r\n")
    if not head_only:
        head.append(body)
    return b"".join(head)


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112, 7.1); `data` is not empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)
