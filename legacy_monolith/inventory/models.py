"""How much of each product is left."""

from django.db import models
from django.utils import timezone

from legacy_monolith.catalog.models import Product


class Stock(models.Model):
    product = models.OneToOneField(Product, on_delete=models.CASCADE, related_name="stock")
    # The database itself refuses what the code should never do: sell below zero.
    available = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "stock"
        constraints = [
            models.CheckConstraint(condition=models.Q(available__gte=0), name="stock_not_negative")
        ]

    def __str__(self) -> str:
        return f"{self.available} of {self.product_id}"
