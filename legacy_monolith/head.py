"""HEAD: the headers of GET and no body.

Django leaves cutting the body to the server, and not every server does it.
"""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

Next = Callable[[HttpRequest], HttpResponseBase]


def without_body(next_one: Next) -> Next:
    """Middleware; outermost, so that Content-Length has been set from the whole body."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = next_one(request)
        if request.method == "HEAD":
            if response.streaming:
                response.streaming_content = ()
            else:
                response.content = b""
        return response

    return middleware
