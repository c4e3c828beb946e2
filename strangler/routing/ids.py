"""Request ids and W3C trace context: kept if well formed, else begun from random bytes."""

from __future__ import annotations

import re

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._~+/=:@-]{1,128}").fullmatch
_TRACEPARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[ -~]*)?"
).fullmatch

TRACEPARENT_RANDOM = 24
"""Random bytes that a new traceparent takes."""


def is_request_id(value: bytes) -> bool:
    """Whether a client's X-Request-ID may be kept: 1 to 128 characters that are safe in logs."""
    return _REQUEST_ID(value) is not None


def new_request_id(random: bytes) -> bytes:
    """A request id of 32 hexadecimal digits from 16 random bytes."""
    return random[:16].hex().encode("ascii")


def is_traceparent(value: bytes) -> bool:
    """Whether a traceparent is well formed (Trace Context, section 3.2.2).

    Later versions may have more fields behind ours; version ff and ids of zeros are invalid.
    """
    found = _TRACEPARENT(value)
    return found is not None and (found[1] != b"00" or found[2] is None)


def new_traceparent(random: bytes) -> bytes:
    """A traceparent, not sampled, from 24 random bytes; zeros, which are no id, become 1."""
    trace, parent = int.from_bytes(random[:16], "big"), int.from_bytes(random[16:24], "big")
    return b"00-%032x-%016x-00" % (trace or 1, parent or 1)
