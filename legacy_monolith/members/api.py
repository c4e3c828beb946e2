"""Who is logged in, and the CSRF token that unsafe requests need."""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token

from legacy_monolith.api import answer, endpoint, member_of


def whoami(request: HttpRequest) -> HttpResponse:
    member = member_of(request)
    return answer(
        {
            "id": member.pk,
            "username": member.username,
            "display_name": member.shown_name,
            "email": member.email,
            "avatar": member.avatar.url if member.avatar else None,
            "staff": member.is_staff,
        }
    )


def token(request: HttpRequest) -> HttpResponse:
    """Also sets the cookie; send the token as X-CSRFToken."""
    return answer({"token": get_token(request)})


me = endpoint(GET=whoami)
csrf = endpoint(GET=token)
