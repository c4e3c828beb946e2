"""What members say about products."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from legacy_monolith.catalog.models import Product


class Review(models.Model):
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="reviews")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reviews"
    )
    rating = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    title = models.CharField(max_length=120)
    body = models.TextField(max_length=4000)
    # Plain defaults: `auto_now` would overwrite the dates that `seed` gives.
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="review_newest"),
            models.Index(fields=["product", "-created_at", "-id"], name="review_of_product"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(rating__range=(1, 5)), name="review_rating_1_to_5"
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.rating}/5)"
