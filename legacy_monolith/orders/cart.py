"""The cart: quantities by product, kept in the visitor's session."""

from dataclasses import dataclass
from decimal import Decimal

from django.http import HttpRequest

from legacy_monolith.catalog.models import Product
from legacy_monolith.orders.placing import LINES_LIMIT, QUANTITY_LIMIT

KEY = "cart"


@dataclass(frozen=True)
class CartLine:
    product: Product
    quantity: int

    @property
    def total(self) -> Decimal:
        return self.product.price * self.quantity


class Cart:
    """A visitor's cart; products that are no longer for sale disappear from it."""

    def __init__(self, request: HttpRequest) -> None:
        self._session = request.session
        # JSON, as sessions are stored, has text keys only.
        self.quantities = {int(key): n for key, n in request.session.get(KEY, {}).items()}

    def set(self, product: Product, quantity: int) -> None:
        """0 takes the product out; quantities and lines beyond the limits are cut."""
        self.quantities.pop(product.pk, None)
        if quantity > 0 and len(self.quantities) < LINES_LIMIT:
            self.quantities[product.pk] = min(quantity, QUANTITY_LIMIT)
        self._session[KEY] = {str(key): n for key, n in self.quantities.items()}

    def clear(self) -> None:
        self._session.pop(KEY, None)

    def lines(self) -> list[CartLine]:
        products = Product.objects.filter(active=True).in_bulk(list(self.quantities))
        return [
            CartLine(products[key], quantity)
            for key, quantity in self.quantities.items()
            if key in products
        ]
