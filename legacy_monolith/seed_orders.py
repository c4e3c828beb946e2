"""Made-up orders, with the lines, payment and shipment that each has in the shop."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random

from legacy_monolith.seeding import ADMIN_ID, BASE, SEED, YEAR, Row, Size, products


def placed(size: Size, seed: int = SEED) -> Iterator[tuple[Row, list[Row]]]:
    """Orders with their lines; a line's key follows from its order's."""
    prices = {row["id"]: row["price"] for row in products(size, seed)}
    random = Random(f"orders:{seed}")
    line = 0
    for key in range(1, size.orders + 1):
        lines: list[Row] = []
        for product in sorted(random.sample(range(2, size.products + 1), random.randint(1, 4))):
            line += 1
            lines.append(
                {
                    "id": line,
                    "order_id": key,
                    "product_id": product,
                    "quantity": random.randint(1, 3),
                    "unit_price": prices[product],
                }
            )
        yield (
            {
                "id": key,
                "member_id": ADMIN_ID + random.randint(1, size.members),
                "status": "shipped" if key % 3 else "placed",
                "total": sum((row["unit_price"] * row["quantity"] for row in lines), Decimal()),
                "placed_at": BASE - random.random() * YEAR,
            },
            lines,
        )


def orders(size: Size, seed: int = SEED) -> Iterator[Row]:
    for order, _ in placed(size, seed):
        yield order


def order_lines(size: Size, seed: int = SEED) -> Iterator[Row]:
    for _, lines in placed(size, seed):
        yield from lines


def payments(size: Size, seed: int = SEED) -> Iterator[Row]:
    for order in orders(size, seed):
        yield {
            "id": order["id"],
            "order_id": order["id"],
            "method": "card",
            "status": "captured" if order["status"] == "shipped" else "authorised",
            "amount": order["total"],
            "created_at": order["placed_at"],
        }


def shipments(size: Size, seed: int = SEED) -> Iterator[Row]:
    for order in orders(size, seed):
        shipped = order["status"] == "shipped"
        yield {
            "id": order["id"],
            "order_id": order["id"],
            "status": order["status"] if shipped else "pending",
            "carrier": "Parcel Post" if shipped else "",
            "tracking_code": f"PP{order['id']:09}" if shipped else "",
            "created_at": order["placed_at"],
            "shipped_at": order["placed_at"] + timedelta(days=2) if shipped else None,
        }
