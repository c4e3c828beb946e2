"""Every public path of the shop."""

from django.contrib import admin
from django.urls import include, path, re_path

from legacy_monolith import errors
from legacy_monolith.notices import api as notices
from legacy_monolith.reviews import api as reviews

api = [
    path("reviews", reviews.reviews),
    path("reviews/summary", reviews.review_summary),
    path("reviews/<int:review_id>", reviews.review),
    path("notices", notices.notices),
    path("notices/<int:notice_id>", notices.notice),
    path("faq", notices.faq),
    re_path("", errors.api_path_unknown),
]

urlpatterns = [
    path("api/", include(api)),
    path("admin/", admin.site.urls),
]

handler404 = "legacy_monolith.errors.page_not_found"
handler500 = "legacy_monolith.errors.server_error"
