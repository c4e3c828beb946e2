"""How orders travel."""

from django.db import models
from django.utils import timezone

from legacy_monolith.orders.models import Order


class Shipment(models.Model):
    class Status(models.TextChoices):
        PENDING = "pending"
        SHIPPED = "shipped"
        DELIVERED = "delivered"

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="shipment")
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    carrier = models.CharField(max_length=40, blank=True)
    tracking_code = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    shipped_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Shipment of order {self.order_id} ({self.status})"
