"""Reviews as JSON: the monolith's fields in the monolith's order."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from services.common.timestamps import iso

RATINGS = range(1, 6)


def review_shape(row: Mapping[str, Any]) -> dict[str, object]:
    """One review; `author_id` stays inside."""
    return {
        "id": row["id"],
        "product_id": row["product_id"],
        "product_name": row["product_name"],
        "author": row["author"],
        "rating": row["rating"],
        "title": row["title"],
        "body": row["body"],
        "created_at": iso(row["created_at"]),
        "updated_at": iso(row["updated_at"]),
    }


def summary_shape(product_id: int, ratings: Mapping[int, int]) -> dict[str, object]:
    """How a product is rated; `ratings` is the number of reviews by rating."""
    return {
        "product_id": product_id,
        "count": sum(ratings.values()),
        "average": average(ratings),
        "histogram": {str(rating): ratings.get(rating, 0) for rating in RATINGS},
    }


def average(ratings: Mapping[int, int]) -> str | None:
    """Two decimals, halves rounded up; None without a review."""
    count = sum(ratings.values())
    if not count:
        return None
    total = sum(rating * number for rating, number in ratings.items())
    return str((Decimal(total) / count).quantize(Decimal("0.01"), ROUND_HALF_UP))
