"""How Django finds the app inventory."""

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "legacy_monolith.inventory"
    verbose_name = "Inventory"
