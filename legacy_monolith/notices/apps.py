"""How Django finds the app notices."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "legacy_monolith.notices"
    verbose_name = "Notices and questions"
