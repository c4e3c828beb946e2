"""How a review comes to be and changes; the page and the API share it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from legacy_monolith.catalog.models import Product
from legacy_monolith.reviews.models import Review


class InvalidReviewError(Exception):
    """Says what is wrong with a review, in words for its author."""


def write_review(author: Any, product_id: Any, **fields: Any) -> Review:
    """A new review; `fields` are rating, title and body."""
    if not _is_number(product_id) or not (product := _product(product_id)):
        raise InvalidReviewError("product_id must be the number of a product.")
    now = timezone.now()
    review = Review(author=author, product=product, created_at=now, updated_at=now)
    return _save(review, fields)


def change_review(review: Review, **fields: Any) -> Review:
    """Changes some of rating, title and body."""
    review.updated_at = timezone.now()
    return _save(review, fields)


def _save(review: Review, fields: dict[str, Any]) -> Review:
    for name, value in fields.items():
        _check_type(name, value)
        setattr(review, name, value.strip() if isinstance(value, str) else value)
    try:
        review.full_clean(validate_unique=False, exclude=["author", "product"])
    except ValidationError as error:
        name, texts = next(iter(error.message_dict.items()))
        raise InvalidReviewError(f"{name}: {texts[0]}") from None
    review.save()
    return review


def _check_type(name: str, value: Any) -> None:
    if name == "rating" and not (_is_number(value) and 1 <= value <= 5):
        raise InvalidReviewError("rating must be a whole number from 1 to 5.")
    if name != "rating" and not _is_text(value):
        raise InvalidReviewError(f"{name} must be text.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    """JSON can spell text that no database takes: NUL, or half a character."""
    if not isinstance(value, str) or "\0" in value:
        return False
    return value == value.encode(errors="ignore").decode()


def _product(product_id: int) -> Product | None:
    return Product.objects.filter(pk=product_id, active=True).first()
