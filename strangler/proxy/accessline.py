"""What a line of the access log says, and what it never says.

The path is logged, the query is not: queries carry tokens, search terms and e-mail addresses, and
what is once in a log is in its copies too. `?` at the end tells that there was one. Header fields
are not logged at all, apart from the ids that the gateway itself checked. Everything a client chose
is escaped, so that no line can be forged.

`plan`, `side` and `endpoint` are missing where a request ended before they were known.
"""

from __future__ import annotations

import json
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias
from zlib import crc32

from strangler.config.model import LogFormat
from strangler.proxy.counters import DEFAULT_ROUTE, NO_UPSTREAM

if TYPE_CHECKING:
    from collections.abc import Callable

    from strangler.proxy.exchange import Exchange


Formatter: TypeAlias = "Callable[[Exchange, int], bytes]"
"""A finished request and its duration in microseconds -> a line with its end."""

_encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_UNSAFE: Final = re.compile(rb"[^ -!#-\[\]-~]")
"""Anything but visible ASCII, and what would end or escape a quoted text."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun",
                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # fmt: skip


def formatter(log_format: LogFormat) -> Formatter | None:
    """How lines are written; None when none are."""
    return {LogFormat.OFF: None, LogFormat.JSON: json_line, LogFormat.COMMON: common_line}[
        log_format
    ]


def sampled(request: Exchange, share: float) -> bool:
    """Whether to log a request: always if it ended in a 5xx, else by its id.

    By the id and not by a draw, so that the services behind, which get the same id, can keep the
    same requests.
    """
    if share >= 1.0 or request.status >= 500:
        return True
    return crc32(request.request_id) < share * 2**32


def json_line(request: Exchange, duration_us: int) -> bytes:
    """A JSON object on one line."""
    plan = getattr(request, "plan", None)
    refusal = request.refusal
    fields = {
        "time": _iso(time.time()),
        "request_id": request.request_id.decode("latin-1"),
        "trace_id": request.traceparent[3:35].decode("latin-1"),
        "client": request.client.address_of(request).decode("latin-1"),
        "method": request.method.decode("latin-1"),
        "target": _target(request).decode("latin-1"),
        "status": request.status,
        "bytes_in": request.bytes_in,
        "bytes_out": request.bytes_out,
        "duration_ms": duration_us / 1000,
        "route": plan.name if plan is not None else DEFAULT_ROUTE,
        "upstream": _upstream(request),
        "endpoint": _endpoint(request),
        "table_version": plan.version if plan is not None else None,
        "refusal": refusal.label if refusal is not None else None,
    }
    return _encode(fields).encode("ascii") + b"\n"


def common_line(request: Exchange, _duration_us: int) -> bytes:
    """The Common Log Format of NCSA httpd; no user is known here."""
    return b'%b - - [%b] "%b %b HTTP/1.%d" %d %d\n' % (
        _escaped(request.client.address_of(request)) or b"-",
        _common_second(int(time.time())),
        _escaped(request.method) or b"-",
        _escaped(_target(request)) or b"-",
        0 if request.http10 else 1,
        request.status,
        request.bytes_out,
    )


def _target(request: Exchange) -> bytes:
    return request.path + b"?" if request.has_query else request.path


def _upstream(request: Exchange) -> str:
    side = getattr(request, "side", None)
    return side.name if side is not None else NO_UPSTREAM


def _endpoint(request: Exchange) -> str | None:
    endpoint = getattr(request, "endpoint", None)
    return str(endpoint.endpoint) if endpoint is not None else None


def _escaped(text: bytes) -> bytes:
    return _UNSAFE.sub(lambda found: b"\\x%02x" % found[0][0], text)


def _iso(now: float) -> str:
    return f"{_iso_second(int(now))}.{int(now % 1 * 1e6):06d}Z"


@lru_cache(maxsize=1)  # thousands of lines share a second
def _iso_second(now: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))


@lru_cache(maxsize=1)
def _common_second(now: int) -> bytes:
    parts = time.gmtime(now)  # the month by hand: strftime's depends on the locale
    month = _MONTHS[parts.tm_mon - 1]
    text = f"{parts.tm_mday:02d}/{month}/{time.strftime('%Y:%H:%M:%S', parts)} +0000"
    return text.encode("ascii")
