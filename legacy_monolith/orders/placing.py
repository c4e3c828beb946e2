"""Placing an order: the order, its lines, the payment, the stock and the shipment, or nothing.

This is what a monolith does well and what its services will need a saga for: five apps write in
one database transaction.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from legacy_monolith.catalog.models import Product
from legacy_monolith.inventory.taking import SoldOutError, take
from legacy_monolith.orders.models import Order, OrderLine
from legacy_monolith.payments.authorising import authorise
from legacy_monolith.shipping.models import Shipment

QUANTITY_LIMIT = 100
LINES_LIMIT = 50


class UnknownProductError(Exception):
    """A product that is not for sale."""


class KeyUsedError(Exception):
    """An idempotency key that came before with another order."""


@dataclass(frozen=True)
class Wish:
    """What a member asks for: quantities by product key, and how they pay."""

    quantities: dict[int, int]
    method: str

    def fingerprint(self) -> str:
        """The same for the same wish: tells a repeated request from a reused key."""
        text = json.dumps([sorted(self.quantities.items()), self.method])
        return hashlib.sha256(text.encode()).hexdigest()


def place(member: Any, wish: Wish, key: str | None = None) -> tuple[Order, bool]:
    """The order, and whether it is new; with a key the same wish is placed once.

    Raises UnknownProductError, KeyUsedError, SoldOutError and PaymentRefusedError; in each case
    nothing has been written.
    """
    if key and (earlier := _earlier(member, wish, key)):
        return earlier, False
    try:
        return _place(member, wish, key), True
    except (IntegrityError, SoldOutError):
        # Perhaps the same request was being placed beside us, and has won (the last piece, even).
        if key and (earlier := _earlier(member, wish, key)):
            return earlier, False
        raise


def _earlier(member: Any, wish: Wish, key: str) -> Order | None:
    order = Order.objects.filter(member=member, idempotency_key=key).first()
    if order and order.fingerprint != wish.fingerprint():
        raise KeyUsedError("This Idempotency-Key was used for another order.")
    return order


@transaction.atomic
def _place(member: Any, wish: Wish, key: str | None) -> Order:
    products = _products(wish.quantities)
    take(wish.quantities)
    order = Order.objects.create(
        member=member,
        total=sum((p.price * wish.quantities[p.pk] for p in products), Decimal()),
        placed_at=timezone.now(),
        idempotency_key=key or None,
        fingerprint=wish.fingerprint() if key else "",
    )
    OrderLine.objects.bulk_create(
        OrderLine(order=order, product=p, quantity=wish.quantities[p.pk], unit_price=p.price)
        for p in products
    )
    authorise(order, wish.method)
    Shipment.objects.create(order=order)
    return order


def _products(keys: Iterable[int]) -> list[Product]:
    products = list(Product.objects.filter(pk__in=list(keys), active=True).order_by("pk"))
    if missing := sorted(set(keys) - {product.pk for product in products}):
        raise UnknownProductError(f"There is no product {missing[0]}.")
    return products
