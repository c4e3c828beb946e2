"""Shipments as JSON, to whom the order belongs."""

from django.http import HttpRequest, HttpResponse

from legacy_monolith.api import answer, endpoint, member_of, not_found
from legacy_monolith.shipping.models import Shipment
from legacy_monolith.timestamps import iso


def detail(request: HttpRequest, order_id: int) -> HttpResponse:
    member = member_of(request)
    rows = Shipment.objects.filter(order_id=order_id)
    if not member.is_staff:
        rows = rows.filter(order__member=member)
    row = rows.first()
    if row is None:
        raise not_found(f"There is no shipment of order {order_id}.")
    return answer(
        {
            "order_id": row.order_id,
            "status": row.status,
            "carrier": row.carrier,
            "tracking_code": row.tracking_code,
            "created_at": iso(row.created_at),
            "shipped_at": iso(row.shipped_at) if row.shipped_at else None,
        }
    )


shipment = endpoint(GET=detail)
