"""Made-up data of the shop: the same rows for the same size and seed, on every machine.

Pure: no Django, no clock. A table is a function of (size, seed) that yields plain rows with fixed
primary keys; each draws from a generator of its own, so that one table can be made without the
others. `seed` writes the rows into the shop.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from legacy_monolith import seed_texts as texts

Row = dict[str, Any]

BASE = datetime(2026, 1, 1, 12, tzinfo=UTC)
SEED = 2026
ADMIN_ID = 1
TWO_YEARS = 2 * 365 * 24 * 3600 * 1_000_000  # microseconds
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Size:
    """How many rows of each kind."""

    members: int
    products: int
    reviews: int
    notices: int
    orders: int


SIZES = {
    "small": Size(members=8, products=24, reviews=130, notices=25, orders=12),
    "demo": Size(members=200, products=120, reviews=3_000, notices=60, orders=400),
    "large": Size(members=20_000, products=2_000, reviews=500_000, notices=300, orders=50_000),
}


def members(size: Size, seed: int = SEED) -> Iterator[Row]:
    """The staff user `admin` and `member1` to `memberN`; without passwords."""
    yield _member(ADMIN_ID, "admin", "The shop", staff=True)
    random = Random(f"members:{seed}")
    for n in range(1, size.members + 1):
        name = f"{random.choice(texts.FIRST_NAMES)} {random.choice(texts.LAST_NAMES)}"
        yield _member(ADMIN_ID + n, f"member{n}", name, staff=False)


def _member(key: int, username: str, display_name: str, *, staff: bool) -> Row:
    return {
        "id": key,
        "username": username,
        "display_name": display_name,
        "email": f"{username}@shop.example",
        "is_staff": staff,
        "is_superuser": staff,
        "date_joined": BASE - 2 * YEAR - timedelta(hours=key),
    }


def categories(size: Size, seed: int = SEED) -> Iterator[Row]:
    """The same few in every size."""
    for key, (slug, name) in enumerate(texts.CATEGORIES, 1):
        yield {"id": key, "slug": slug, "name": name}


def products(size: Size, seed: int = SEED) -> Iterator[Row]:
    random = Random(f"products:{seed}")
    for key in range(1, size.products + 1):
        category = (key - 1) % len(texts.CATEGORIES)
        slug, _ = texts.CATEGORIES[category]
        noun = random.choice(texts.NOUNS[slug])
        yield {
            "id": key,
            "category_id": category + 1,
            "sku": f"{slug[:3].upper()}-{key:05}",
            "slug": f"{slug}-{key}",
            "name": f"{random.choice(texts.ADJECTIVES)} {noun} {key}",
            "description": " ".join(random.sample(texts.SENTENCES, 2)),
            "price": Decimal(random.randint(399, 19_999)) / 100,
        }


def stock(size: Size, seed: int = SEED) -> Iterator[Row]:
    """Plenty of everything but product 1: of that there is one."""
    random = Random(f"stock:{seed}")
    for key in range(1, size.products + 1):
        available = 1 if key == 1 else random.randint(500, 5_000)
        yield {"id": key, "product_id": key, "available": available, "updated_at": BASE}


def reviews(size: Size, seed: int = SEED) -> Iterator[Row]:
    random = Random(f"reviews:{seed}")
    for key in range(1, size.reviews + 1):
        rating = random.choices(range(1, 6), weights=(1, 1, 2, 4, 4))[0]
        created = BASE - timedelta(microseconds=random.randrange(TWO_YEARS))
        yield {
            "id": key,
            "product_id": random.randint(1, size.products),
            "author_id": ADMIN_ID + random.randint(1, size.members),
            "rating": rating,
            "title": random.choice((texts.BLAME, texts.NEUTRAL, texts.PRAISE)[(rating - 1) // 2]),
            "body": " ".join(random.sample(texts.SENTENCES, random.randint(1, 4))),
            "created_at": created,
            "updated_at": created + timedelta(hours=random.choice((0, 0, 0, 5))),
        }


def notices(size: Size, seed: int = SEED) -> Iterator[Row]:
    random = Random(f"notices:{seed}")
    for key in range(1, size.notices + 1):
        title = random.choice(texts.NOTICE_TITLES).format(
            day=random.choice(texts.DAYS),
            noun=random.choice(texts.NOUNS[random.choice(texts.CATEGORIES)[0]]),
            number=random.randint(100, 999),
        )
        yield {
            "id": key,
            "title": title,
            "body": "\n\n".join(random.sample(texts.NOTICE_BODIES, 2)),
            "pinned": key % 20 == 7,
            "published_at": BASE - timedelta(microseconds=random.randrange(TWO_YEARS)),
        }


def questions(size: Size, seed: int = SEED) -> Iterator[Row]:
    """The same dozen in every size."""
    for key, (category, question, answer) in enumerate(texts.QUESTIONS, 1):
        yield {
            "id": key,
            "category": category,
            "position": key,
            "question": question,
            "answer": answer,
        }
