"""The tables behind the reviews: copies of the monolith's, row by row and column by column.

Each is fed from one table of the monolith, and they are not in step with one another: a review may
be here before its author is. So no table refers to another one, and a name is looked up when a
review is read. Nor is there a limit or a check: what may be written is decided where it is written,
in the monolith, and a row that it accepted must never be refused here.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from services.common.schema import UtcDateTime, id_column

metadata: Final = MetaData()

reviews: Final = Table(
    "reviews",
    metadata,
    id_column(),
    Column("product_id", BigInteger, nullable=False),
    Column("author_id", BigInteger, nullable=False),
    Column("rating", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

# Newest first; both databases read an index backwards.
Index("reviews_newest", reviews.c.created_at, reviews.c.id)
Index("reviews_of_product", reviews.c.product_id, reviews.c.created_at, reviews.c.id)

products: Final = Table(
    "products",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
)

# Of a member only what a review shows: the name they chose, or else the one they log in with.
authors: Final = Table(
    "authors",
    metadata,
    id_column(),
    Column("username", Text, nullable=False),
    Column("display_name", Text, nullable=False),
)
