"""Uploaded pictures, sent by the shop itself: there is no web server beside it.

Only pictures are there (the profile form looks at their bytes), and `nosniff`, which Django's
SecurityMiddleware adds, keeps browsers from reading anything else into them.
"""

from django.conf import settings
from django.http import FileResponse, HttpRequest
from django.views.static import serve


def picture(request: HttpRequest, name: str) -> FileResponse:
    return serve(request, name, document_root=settings.MEDIA_ROOT)
