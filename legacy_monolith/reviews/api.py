"""Reviews as JSON."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse

from legacy_monolith.api import (
    ApiError,
    answer,
    bad_parameter,
    endpoint,
    member_of,
    not_found,
    read_object,
)
from legacy_monolith.parameters import Page, number
from legacy_monolith.reviews.models import Review
from legacy_monolith.reviews.writing import InvalidReviewError, change_review, write_review
from legacy_monolith.timestamps import iso

CHANGEABLE = ("rating", "title", "body")


def shape(review: Review) -> dict[str, Any]:
    return {
        "id": review.pk,
        "product_id": review.product_id,
        "product_name": review.product.name,
        "author": review.author.shown_name,
        "rating": review.rating,
        "title": review.title,
        "body": review.body,
        "created_at": iso(review.created_at),
        "updated_at": iso(review.updated_at),
    }


def listing(request: HttpRequest) -> HttpResponse:
    product = number(request, "product")
    page = Page.of(request, product=product)
    rows = Review.objects.select_related("product", "author")
    if product is not None:
        rows = rows.filter(product_id=product)
    return answer(page.answer(rows, shape))


def summary(request: HttpRequest) -> HttpResponse:
    product = number(request, "product")
    if product is None:
        raise bad_parameter("product must be a whole number from 1.")
    counted = Review.objects.filter(product_id=product).order_by().values_list("rating")
    histogram = dict.fromkeys(range(1, 6), 0) | dict(counted.annotate(Count("id")))
    count = sum(histogram.values())
    return answer(
        {
            "product_id": product,
            "count": count,
            "average": average(histogram) if count else None,
            "histogram": {str(rating): n for rating, n in histogram.items()},
        }
    )


def average(histogram: dict[int, int]) -> str:
    """Two decimals, halves rounded up."""
    total = sum(rating * n for rating, n in histogram.items())
    exact = Decimal(total) / sum(histogram.values())
    return str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


def detail(request: HttpRequest, review_id: int) -> HttpResponse:
    return answer(shape(find(review_id)))


def create(request: HttpRequest) -> HttpResponse:
    author = member_of(request)
    data = read_object(request)
    try:
        review = write_review(
            author, data.get("product_id"), **{name: data.get(name) for name in CHANGEABLE}
        )
    except InvalidReviewError as error:
        raise bad_parameter(str(error)) from None
    return answer(shape(review), status=201)


def change(request: HttpRequest, review_id: int) -> HttpResponse:
    review = own(request, review_id)
    data = read_object(request)
    if not data.keys() <= set(CHANGEABLE):
        # The name is not repeated: JSON can spell one that no answer can be encoded with.
        raise bad_parameter("Only rating, title and body can be changed.")
    try:
        change_review(review, **data)
    except InvalidReviewError as error:
        raise bad_parameter(str(error)) from None
    return answer(shape(review))


def delete(request: HttpRequest, review_id: int) -> HttpResponse:
    own(request, review_id).delete()
    return HttpResponse(status=204)


def find(review_id: int) -> Review:
    review = Review.objects.select_related("product", "author").filter(pk=review_id).first()
    if review is None:
        raise not_found(f"There is no review {review_id}.")
    return review


def own(request: HttpRequest, review_id: int) -> Review:
    """A review that the member may change: their own, or any for staff."""
    member = member_of(request)
    review = find(review_id)
    if review.author_id != member.pk and not member.is_staff:
        raise ApiError(403, "not_yours", "Only its author or staff may change a review.")
    return review


reviews = endpoint(GET=listing, POST=create)
review = endpoint(GET=detail, PATCH=change, DELETE=delete)
review_summary = endpoint(GET=summary)
