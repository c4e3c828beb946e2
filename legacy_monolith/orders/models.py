"""What members have bought."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from legacy_monolith.catalog.models import Product


class Order(models.Model):
    class Status(models.TextChoices):
        PLACED = "placed"
        SHIPPED = "shipped"
        CANCELLED = "cancelled"

    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders"
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.PLACED)
    total = models.DecimalField(max_digits=12, decimal_places=2)
    placed_at = models.DateTimeField(default=timezone.now)
    # The client's name for its attempt, and a digest of what it asked for under that name.
    idempotency_key = models.CharField(max_length=100, null=True, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-placed_at", "-id"]
        constraints = [
            # Rows without a key do not collide: NULL differs from NULL.
            models.UniqueConstraint(fields=["member", "idempotency_key"], name="order_once_per_key")
        ]

    def __str__(self) -> str:
        return f"Order {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("order", args=[self.pk])


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="order_lines")
    quantity = models.PositiveIntegerField()
    # The price on the day; the product's may change later.
    unit_price = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "product"], name="line_once_per_product")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product_id}"

    @property
    def total(self):
        return self.unit_price * self.quantity
