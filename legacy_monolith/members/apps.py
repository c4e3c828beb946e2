"""How Django finds the app members."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    name = "legacy_monolith.members"
    verbose_name = "Members"
