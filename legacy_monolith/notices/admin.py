"""Notices and questions in the admin."""

from django.contrib import admin

from legacy_monolith.notices.models import Notice, Question


@admin.register(Notice)
class NoticeAdmin(admin.ModelAdmin):
    list_display = ("title", "pinned", "published_at")
    list_filter = ("pinned",)
    search_fields = ("title", "body")


@admin.register(Question)
class QuestionAdmin(admin.ModelAdmin):
    list_display = ("question", "category", "position")
    list_filter = ("category",)
