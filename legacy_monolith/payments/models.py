"""How orders are paid."""

from django.db import models
from django.utils import timezone

from legacy_monolith.orders.models import Order


class Payment(models.Model):
    class Method(models.TextChoices):
        CARD = "card"
        INVOICE = "invoice"

    class Status(models.TextChoices):
        AUTHORISED = "authorised"
        CAPTURED = "captured"
        REFUNDED = "refunded"

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="payment")
    method = models.CharField(max_length=16, choices=Method)
    status = models.CharField(max_length=16, choices=Status, default=Status.AUTHORISED)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.amount} by {self.method} ({self.status})"
