"""How Django finds the app orders."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "legacy_monolith.orders"
    verbose_name = "Orders"
