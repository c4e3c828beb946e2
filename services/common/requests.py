"""Around every request: its names, the headers of every answer, its line in the access log."""

from typing import Final

import structlog
from aiohttp import hdrs, web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Handler

from services.common.trace import request_id, trace_id

log = structlog.get_logger()

REQUEST_ID: Final = "X-Request-ID"
TRACEPARENT: Final = "traceparent"
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
"""What the monolith's middleware adds to each answer as well."""


@web.middleware
async def naming(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives the request an id and lets every event that is logged meanwhile carry its names."""
    # Not unbound: a request has a task and with it a context of its own, and the signal below,
    # which runs after the handler, reads the id from it.
    structlog.contextvars.bind_contextvars(
        request_id=request_id(request.headers.get(REQUEST_ID)),
        trace_id=trace_id(request.headers.get(TRACEPARENT)),
    )
    return await handler(request)


async def finish_headers(_request: web.Request, answer: web.StreamResponse) -> None:
    """Signal before an answer is sent: headers that each one has."""
    answer.headers.update(HEADERS)
    answer.headers[REQUEST_ID] = structlog.contextvars.get_contextvars()["request_id"]


class AccessLog(AbstractAccessLogger):
    """One event a request, after its answer."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Write the event; `time` is in seconds. The query stays out: it may hold anything."""
        log.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status,
            bytes_sent=response.body_length,
            ms=round(time * 1000, 2),
            user_agent=request.headers.get(hdrs.USER_AGENT),
            request_id=response.headers.get(REQUEST_ID),
            trace_id=trace_id(request.headers.get(TRACEPARENT)),
        )
