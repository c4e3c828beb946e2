"""How Django finds the app catalog."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "legacy_monolith.catalog"
    verbose_name = "Catalogue"
