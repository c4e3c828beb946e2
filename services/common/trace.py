"""The names of a request: its own (X-Request-ID) and that of its trace (W3C traceparent)."""

import re
from typing import Final
from uuid import uuid4

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_NO_TRACE: Final = "0" * 32


def request_id(given: str | None) -> str:
    """The id that came with the request if it is harmless in a log, else a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else uuid4().hex


def trace_id(traceparent: str | None) -> str | None:
    """The trace id of a `traceparent` header (W3C Trace Context, 3.2), None without a valid one."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    return match[1] if match and match[1] != _NO_TRACE else None
