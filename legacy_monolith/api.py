"""What every JSON endpoint of the shop shares: the answer's bytes, errors, methods, the body."""

import json
from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

Handler = Callable[..., HttpResponse]

SAFE_METHODS = ("GET", "HEAD")


class ApiError(Exception):
    """Ends a request with `{"error": code, "detail": detail}`."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


def answer(data: object, *, status: int = 200) -> HttpResponse:
    """JSON in one fixed form, so that two servers can be compared byte by byte."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(body.encode(), status=status, content_type="application/json")


def refusal(error: ApiError) -> HttpResponse:
    return answer({"error": error.code, "detail": error.detail}, status=error.status)


def not_found(detail: str) -> ApiError:
    return ApiError(404, "not_found", detail)


def bad_parameter(detail: str) -> ApiError:
    return ApiError(400, "bad_parameter", detail)


def endpoint(**handlers: Handler) -> Handler:
    """One view for a path: `endpoint(GET=listing, POST=create)`; GET also answers HEAD.

    The method is looked at before the CSRF token: a method that does not exist is a 405, with or
    without a token. Unsafe methods stay protected.
    """
    chosen = {
        method: handler if method in SAFE_METHODS else csrf_protect(handler)
        for method, handler in handlers.items()
    }
    if "GET" in chosen:
        chosen["HEAD"] = chosen["GET"]
    allowed = ", ".join(sorted(chosen))

    @csrf_exempt
    def view(request: HttpRequest, **values: Any) -> HttpResponse:
        handler = chosen.get(request.method or "")
        if handler is None:
            return _method_not_allowed(request, allowed)
        try:
            return handler(request, **values)
        except ApiError as error:
            return refusal(error)

    return view


def _method_not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    detail = f"{request.method} is not allowed here; allowed: {allowed}."
    response = refusal(ApiError(405, "method_not_allowed", detail))
    response["Allow"] = allowed
    return response


def read_object(request: HttpRequest) -> dict[str, Any]:
    """The body as a JSON object, or 400; 413 beyond Django's limit."""
    try:
        data = json.loads(request.body)
    except RequestDataTooBig:
        raise ApiError(413, "too_large", "The body is too large.") from None
    except (ValueError, RecursionError):  # the latter: brackets in brackets without end
        raise ApiError(400, "bad_json", "The body must be JSON.") from None
    if not isinstance(data, dict):
        raise ApiError(400, "bad_json", "The body must be a JSON object.")
    return data


def member_of(request: HttpRequest) -> Any:
    """The member who is logged in, or 401."""
    if not request.user.is_authenticated:
        raise ApiError(401, "not_authenticated", "Log in first.")
    return request.user
