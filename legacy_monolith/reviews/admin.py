"""Reviews in the admin."""

from django.contrib import admin

from legacy_monolith.reviews.models import Review


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin):
    list_display = ("title", "product", "author", "rating", "created_at")
    list_filter = ("rating",)
    list_select_related = ("product", "author")
    raw_id_fields = ("product", "author")
    search_fields = ("title", "body")
