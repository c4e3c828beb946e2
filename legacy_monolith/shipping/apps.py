"""How Django finds the app shipping."""

from django.apps import AppConfig


class ShippingConfig(AppConfig):
    name = "legacy_monolith.shipping"
    verbose_name = "Shipping"
