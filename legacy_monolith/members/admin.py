"""Members in the admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from legacy_monolith.members.models import Member


@admin.register(Member)
class MemberAdmin(UserAdmin):
    fieldsets = (*UserAdmin.fieldsets, ("Shop", {"fields": ("display_name", "avatar")}))
    list_display = ("username", "display_name", "email", "is_staff")
