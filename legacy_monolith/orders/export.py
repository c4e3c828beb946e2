"""Orders as CSV, sent while they are read: its size does not matter to the memory."""

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from legacy_monolith.orders.models import OrderLine
from legacy_monolith.timestamps import iso

COLUMNS = (
    "order_id", "placed_at", "member_id", "status", "sku", "quantity", "unit_price", "line_total",
)  # fmt: skip
BATCH = 1_000


class Echo:
    """A file whose `write` gives back the text, as csv.writer returns what it returned."""

    def write(self, text: str) -> str:
        return text


@login_required
def export(request: HttpRequest) -> HttpResponse:
    lines = OrderLine.objects.select_related("order", "product").order_by("order_id", "id")
    if not request.user.is_staff:
        lines = lines.filter(order__member=request.user)
    rows = (row(line) for line in lines.iterator(chunk_size=BATCH))
    response = StreamingHttpResponse(encode(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="orders.csv"'
    return response


def row(line: OrderLine) -> tuple[Any, ...]:
    order = line.order
    return (
        order.pk,
        iso(order.placed_at),
        order.member_id,
        order.status,
        line.product.sku,
        line.quantity,
        f"{line.unit_price:.2f}",
        f"{line.total:.2f}",
    )


def encode(rows: Iterator[tuple[Any, ...]]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield writer.writerow(COLUMNS)
    for values in rows:
        yield writer.writerow(values)
