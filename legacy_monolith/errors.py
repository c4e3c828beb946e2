"""Errors outside a view: JSON below /api/, pages elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from legacy_monolith.api import ApiError, not_found, refusal


@csrf_exempt
def api_path_unknown(request: HttpRequest) -> HttpResponse:
    return refusal(not_found(f"There is nothing at {request.path}."))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "error.html", {"title": "This page does not exist"}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        return refusal(ApiError(500, "server_error", "Something went wrong on our side."))
    return HttpResponse(
        "<!doctype html><title>Error</title><h1>Something went wrong on our side.</h1>", status=500
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if request.path.startswith("/api/"):
        return refusal(ApiError(403, "csrf_failed", reason))
    title = "The form has expired; please go back, reload and send it again"
    return render(request, "error.html", {"title": title}, status=403)
