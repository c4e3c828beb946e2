"""Stock as JSON."""

from django.http import HttpRequest, HttpResponse

from legacy_monolith.api import answer, endpoint, not_found
from legacy_monolith.inventory.models import Stock
from legacy_monolith.timestamps import iso


def detail(request: HttpRequest, sku: str) -> HttpResponse:
    row = Stock.objects.select_related("product").filter(product__sku=sku).first()
    if row is None:
        raise not_found(f"There is no product with the SKU {sku}.")
    return answer(
        {
            "sku": row.product.sku,
            "product_id": row.product_id,
            "available": row.available,
            "updated_at": iso(row.updated_at),
        }
    )


stock = endpoint(GET=detail)
