"""Whether the shop can serve."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

from legacy_monolith.api import ApiError, answer, endpoint


def check(request: HttpRequest) -> HttpResponse:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        raise ApiError(503, "no_database", "The database does not answer.") from None
    return answer({"status": "ok"})


healthz = endpoint(GET=check)
