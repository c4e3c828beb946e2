"""`seed`: fills an empty shop with made-up data, the same for the same size and seed."""

from argparse import ArgumentParser
from itertools import islice
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.management.color import no_style
from django.db import connection, transaction

from legacy_monolith import seed_orders, seeding
from legacy_monolith.catalog.models import Category, Product
from legacy_monolith.inventory.models import Stock
from legacy_monolith.members.models import Member
from legacy_monolith.notices.models import Notice, Question
from legacy_monolith.orders.models import Order, OrderLine
from legacy_monolith.payments.models import Payment
from legacy_monolith.reviews.models import Review
from legacy_monolith.shipping.models import Shipment

# In an order that foreign keys allow.
TABLES = (
    (Member, seeding.members),
    (Category, seeding.categories),
    (Product, seeding.products),
    (Stock, seeding.stock),
    (Review, seeding.reviews),
    (Notice, seeding.notices),
    (Question, seeding.questions),
    (Order, seed_orders.orders),
    (OrderLine, seed_orders.order_lines),
    (Payment, seed_orders.payments),
    (Shipment, seed_orders.shipments),
)
BATCH = 1_000

# Everybody may know it: it opens made-up accounts only. A fixed salt keeps the rows the same.
PASSWORD = "shop-demo"  # noqa: S105
SALT = "SaltOfMadeUpAccounts2026"


class Command(BaseCommand):
    help = "Fills an empty shop with made-up data."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--size", choices=seeding.SIZES, default="demo")
        parser.add_argument("--seed", type=int, default=seeding.SEED)
        parser.add_argument("--reset", action="store_true", help="empty the database first")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["reset"]:
            call_command("flush", interactive=False, verbosity=0)
        elif any(model.objects.exists() for model, _ in TABLES):
            raise CommandError("The shop has data already. --reset deletes it first.")
        counts = fill(seeding.SIZES[options["size"]], options["seed"])
        self.stdout.write(", ".join(f"{name}: {count}" for name, count in counts.items()))


@transaction.atomic
def fill(size: seeding.Size, seed: int) -> dict[str, int]:
    """Writes every table, all or nothing; returns the number of rows of each."""
    password = make_password(PASSWORD, salt=SALT)  # once: it is slow on purpose
    counts = {}
    for model, rows in TABLES:
        extra = {"password": password} if model is Member else {}
        counts[model.__name__] = _write(model, rows(size, seed), extra)
    _move_sequences()
    return counts


def _write(model: Any, rows: Any, extra: dict[str, str]) -> int:
    count = 0
    while batch := [model(**row, **extra) for row in islice(rows, BATCH)]:
        model.objects.bulk_create(batch)
        count += len(batch)
    return count


def _move_sequences() -> None:
    """PostgreSQL does not notice keys that were given: without this the next insert collides."""
    with connection.cursor() as cursor:
        models = [model for model, _ in TABLES]
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
