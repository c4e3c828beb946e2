"""Orders as JSON: each member sees their own, staff see all."""

from typing import Any

from django.db.models import QuerySet
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
from legacy_monolith.inventory.taking import SoldOutError
from legacy_monolith.orders.models import Order
from legacy_monolith.orders.placing import (
    LINES_LIMIT,
    QUANTITY_LIMIT,
    KeyUsedError,
    UnknownProductError,
    Wish,
    place,
)
from legacy_monolith.parameters import Page
from legacy_monolith.payments.authorising import PaymentRefusedError
from legacy_monolith.payments.models import Payment
from legacy_monolith.timestamps import iso

KEY_LENGTH = 100


def shape(order: Order) -> dict[str, Any]:
    return {
        "id": order.pk,
        "status": order.status,
        "total": f"{order.total:.2f}",
        "placed_at": iso(order.placed_at),
        "payment": {"method": order.payment.method, "status": order.payment.status},
        "lines": [
            {
                "product_id": line.product_id,
                "product_name": line.product.name,
                "quantity": line.quantity,
                "unit_price": f"{line.unit_price:.2f}",
            }
            for line in order.lines.all()
        ],
    }


def visible(member: Any) -> QuerySet:
    """The orders that a member may see, with what `shape` needs."""
    orders = Order.objects.select_related("payment").prefetch_related("lines__product")
    return orders if member.is_staff else orders.filter(member=member)


def listing(request: HttpRequest) -> HttpResponse:
    return answer(Page.of(request).answer(visible(member_of(request)), shape))


def detail(request: HttpRequest, order_id: int) -> HttpResponse:
    order = visible(member_of(request)).filter(pk=order_id).first()
    if order is None:
        raise not_found(f"There is no order {order_id}.")
    return answer(shape(order))


def create(request: HttpRequest) -> HttpResponse:
    member = member_of(request)
    key = idempotency_key(request)
    wish = read_wish(read_object(request))
    try:
        order, new = place(member, wish, key)
    except UnknownProductError as error:
        raise bad_parameter(str(error)) from None
    except SoldOutError as error:
        raise ApiError(409, "sold_out", str(error)) from None
    except PaymentRefusedError as error:
        raise ApiError(402, "payment_refused", str(error)) from None
    except KeyUsedError as error:
        raise ApiError(422, "key_used", str(error)) from None
    response = answer(shape(visible(member).get(pk=order.pk)), status=201)
    if not new:
        response["Idempotency-Replayed"] = "true"
    return response


def idempotency_key(request: HttpRequest) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= KEY_LENGTH and key.isascii()):
        raise bad_parameter(f"Idempotency-Key must be 1 to {KEY_LENGTH} ASCII characters.")
    return key


def read_wish(data: dict[str, Any]) -> Wish:
    """`{"lines": [{"product_id", "quantity"}], "payment_method"}`, or 400."""
    lines = data.get("lines")
    if not isinstance(lines, list) or not 0 < len(lines) <= LINES_LIMIT:
        raise bad_parameter(f"lines must be a list of 1 to {LINES_LIMIT} lines.")
    method = data.get("payment_method", Payment.Method.CARD)
    if method not in Payment.Method.values:
        raise bad_parameter(f"payment_method must be one of {', '.join(Payment.Method.values)}.")
    quantities: dict[int, int] = {}
    for line in lines:
        product, quantity = read_line(line)
        quantities[product] = quantities.get(product, 0) + quantity
    return Wish(quantities, method)


def read_line(line: Any) -> tuple[int, int]:
    if not isinstance(line, dict):
        raise bad_parameter("A line must be an object.")
    product, quantity = line.get("product_id"), line.get("quantity")
    if type(product) is not int or not 0 < product < 10**9:
        raise bad_parameter("product_id must be a whole number from 1.")
    if type(quantity) is not int or not 0 < quantity <= QUANTITY_LIMIT:
        raise bad_parameter(f"quantity must be a whole number from 1 to {QUANTITY_LIMIT}.")
    return product, quantity


orders = endpoint(GET=listing, POST=create)
order = endpoint(GET=detail)
