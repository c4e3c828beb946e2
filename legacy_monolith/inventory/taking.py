"""Taking goods from stock, inside the caller's transaction."""

from django.utils import timezone

from legacy_monolith.inventory.models import Stock


class SoldOutError(Exception):
    """Less is left of a product than was asked for."""


def take(quantities: dict[int, int]) -> None:
    """Takes quantities, given by product key, or raises SoldOutError.

    The rows are locked in the order of their products, so that two orders with the same products
    wait for each other and never in a circle. (SQLite has no row locks: there the transaction
    holds the only write lock.)
    """
    rows = Stock.objects.select_for_update().filter(product_id__in=list(quantities))
    stock = {row.product_id: row for row in rows.order_by("product_id")}
    now = timezone.now()
    for product, quantity in quantities.items():
        row = stock.get(product)
        left = row.available if row else 0
        if left < quantity:
            raise SoldOutError(f"Only {left} left of product {product}.")
        row.available -= quantity
        row.updated_at = now
    Stock.objects.bulk_update(stock.values(), ["available", "updated_at"])
