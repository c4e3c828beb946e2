"""Values of one name in a head: header fields, cookies, query parameters.

A name may occur several times, and frameworks differ in which one they take; so these give all
values, in order, and a condition holds if any of them satisfies it.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

Headers = Sequence[tuple[bytes, bytes]]
"""Raw pairs with lower-cased names."""

_WHITE = b" \t"


def header_values(headers: Headers, name: bytes) -> list[bytes]:
    """Values of the header fields called `name` (lower case)."""
    return [value for key, value in headers if key == name]


def cookie_values(cookie: bytes, name: bytes) -> list[bytes]:
    """Values of the cookies called `name` in a Cookie header's value (RFC 6265 4.2)."""
    if name not in cookie:
        return []
    values = []
    for pair in cookie.split(b";"):
        key, separator, value = pair.partition(b"=")
        if separator and key.strip(_WHITE) == name:
            values.append(value.strip(_WHITE))
    return values


def query_values(query: bytes, name: bytes) -> list[bytes]:
    """Decoded values of the parameters called `name`; a parameter without `=` is empty."""
    values = []
    for pair in query.split(b"&"):
        key, _, value = pair.partition(b"=")
        if pair and _decode(key) == name:
            values.append(_decode(value))
    return values


def _decode(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))
