"""Products as JSON."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from legacy_monolith.api import answer, bad_parameter, endpoint, not_found
from legacy_monolith.catalog.models import Product
from legacy_monolith.parameters import Page, slug


def shape(product: Product) -> dict[str, Any]:
    return {
        "id": product.pk,
        "sku": product.sku,
        "slug": product.slug,
        "name": product.name,
        "category": product.category.slug,
        "description": product.description,
        "price": f"{product.price:.2f}",
    }


def listing(request: HttpRequest) -> HttpResponse:
    category = slug(request, "category")
    words = request.GET.get("q") or None
    if words and "\0" in words:
        raise bad_parameter("q must be text.")
    page = Page.of(request, category=category, q=words)
    rows = Product.objects.filter(active=True).select_related("category")
    if category:
        rows = rows.filter(category__slug=category)
    if words:
        rows = rows.filter(name__icontains=words)
    return answer(page.answer(rows, shape))


def detail(request: HttpRequest, product_id: int) -> HttpResponse:
    rows = Product.objects.filter(active=True).select_related("category")
    product = rows.filter(pk=product_id).first()
    if product is None:
        raise not_found(f"There is no product {product_id}.")
    return answer(shape(product))


products = endpoint(GET=listing)
product = endpoint(GET=detail)
