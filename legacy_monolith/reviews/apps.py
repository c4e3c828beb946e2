"""How Django finds the app reviews."""

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "legacy_monolith.reviews"
    verbose_name = "Reviews"
