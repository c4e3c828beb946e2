"""How Django finds the app payments."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "legacy_monolith.payments"
    verbose_name = "Payments"
