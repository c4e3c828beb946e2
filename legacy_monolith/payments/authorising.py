"""Authorising a payment, inside the caller's transaction."""

from decimal import Decimal

from legacy_monolith.orders.models import Order
from legacy_monolith.payments.models import Payment

INVOICE_LIMIT = Decimal(1000)


class PaymentRefusedError(Exception):
    """An order that cannot be paid this way."""


def authorise(order: Order, method: str) -> Payment:
    """Notes the payment of an order; an invoice only up to the limit, else PaymentRefusedError."""
    if method == Payment.Method.INVOICE and order.total > INVOICE_LIMIT:
        raise PaymentRefusedError(f"Invoices are limited to {INVOICE_LIMIT:.2f}.")
    return Payment.objects.create(order=order, method=method, amount=order.total)
