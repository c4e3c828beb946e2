"""Every failure becomes an answer here: JSON below /api/, a page elsewhere, a traceback nowhere."""

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from services.common.answers import error_answer
from services.common.errors import BadParameterError, NotFoundError, UnavailableError
from services.common.html import page

log = structlog.get_logger()

RETRY_AFTER = "5"
"""Seconds after which a caller may ask again when the database was away."""


@web.middleware
async def failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns what a handler raises into an answer."""
    try:
        return await handler(request)
    except BadParameterError as error:
        return failure(request, 400, "bad_parameter", str(error))
    except NotFoundError as error:
        return failure(request, 404, "not_found", str(error))
    except web.HTTPNotFound:
        return failure(request, 404, "not_found", f"There is nothing at {request.path}.")
    except web.HTTPMethodNotAllowed as error:
        return _method_not_allowed(request, error)
    except web.HTTPException:
        raise
    except UnavailableError as error:
        return _unavailable(request, error)
    except Exception:
        log.exception("request_failed", path=request.path)
        return failure(request, 500, "server_error", "Something went wrong on our side.")


def failure(request: web.Request, status: int, error: str, detail: str) -> web.Response:
    """The answer for a failure in the form that the path's other answers have."""
    if for_programs(request.path):
        return error_answer(status, error, detail)
    title = "This page does not exist" if status == 404 else detail
    return page(request, "error.html", status=status, title=title)


def for_programs(path: str) -> bool:
    """Whether programs ask there: the API and the probes."""
    return path.startswith("/api/") or path in {"/healthz", "/readyz"}


def _method_not_allowed(request: web.Request, error: web.HTTPMethodNotAllowed) -> web.Response:
    allowed = ", ".join(sorted(error.allowed_methods))
    detail = f"{request.method} is not allowed here; allowed: {allowed}."
    answer = error_answer(405, "method_not_allowed", detail)
    answer.headers["Allow"] = allowed
    return answer


def _unavailable(request: web.Request, error: UnavailableError) -> web.Response:
    log.warning("database_unavailable", reason=str(error), cause=str(error.__cause__ or ""))
    answer = failure(request, 503, "unavailable", str(error))
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer
