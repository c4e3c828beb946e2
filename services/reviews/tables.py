"""The tables of reviews, and what a row must be to enter them.

Text has no limits here: what may be written is decided where it is written, in the monolith.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

from services.common.fill import filled_table
from services.common.rows import Row, RowError, moment_of, value_of
from services.common.schema import UtcDateTime, id_column

metadata: Final = MetaData()
filled: Final = filled_table(metadata)

reviews: Final = Table(
    "reviews",
    metadata,
    id_column(),
    Column("product_id", BigInteger, nullable=False),
    Column("product_name", Text, nullable=False),
    Column("author_id", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("rating", SmallInteger, CheckConstraint("rating BETWEEN 1 AND 5"), nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

# Newest first; both databases read an index backwards.
Index("reviews_newest", reviews.c.created_at, reviews.c.id)
Index("reviews_of_product", reviews.c.product_id, reviews.c.created_at, reviews.c.id)


def review_row(given: Mapping[str, object]) -> Row:
    """The row of one JSON object; fields they do not have are ignored. Raises RowError."""
    rating = value_of(given, "rating", int)
    if not 1 <= rating <= 5:
        raise RowError("rating must be from 1 to 5")
    return {
        "id": value_of(given, "id", int),
        "product_id": value_of(given, "product_id", int),
        "product_name": value_of(given, "product_name", str),
        "author_id": value_of(given, "author_id", int),
        "author": value_of(given, "author", str),
        "rating": rating,
        "title": value_of(given, "title", str),
        "body": value_of(given, "body", str),
        "created_at": moment_of(given, "created_at"),
        "updated_at": moment_of(given, "updated_at"),
    }
