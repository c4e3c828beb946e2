"""What is asked of the reviews' tables."""

from typing import Any, Final

from sqlalchemy import Connection, Select, Text, cast, func, literal, select

from services.reviews.tables import authors, products, reviews

# Looked up for each row that is shown, not joined: to count a list takes no names.
_NAME = select(products.c.name).where(products.c.id == reviews.c.product_id).scalar_subquery()
_PRODUCT_NAME: Final = func.coalesce(
    _NAME, literal("product ") + cast(reviews.c.product_id, Text)
).label("product_name")

_SHOWN_NAME = (
    select(func.coalesce(func.nullif(authors.c.display_name, ""), authors.c.username))
    .where(authors.c.id == reviews.c.author_id)
    .scalar_subquery()
)
_AUTHOR: Final = func.coalesce(_SHOWN_NAME, literal("a member")).label("author")


def reviews_shown(product_id: int | None = None) -> Select[Any]:
    """The query for all reviews or for those of one product, newest first, with names.

    A name that has not arrived yet has a text in its place, `product 7` or `a member`: the review
    itself is true, callers rely on a text being there, and the next moment it is the name.
    """
    query = select(reviews, _PRODUCT_NAME, _AUTHOR).order_by(
        reviews.c.created_at.desc(), reviews.c.id.desc()
    )
    return query if product_id is None else query.where(reviews.c.product_id == product_id)


def name_of(connection: Connection, product_id: int) -> str | None:
    """The name of a product; None for one that is not here."""
    return connection.scalar(select(products.c.name).where(products.c.id == product_id))


def ratings_of(connection: Connection, product_id: int) -> dict[int, int]:
    """Number of reviews of a product by rating; ratings that nobody gave are missing."""
    counted = (
        select(reviews.c.rating, func.count().label("number"))
        .where(reviews.c.product_id == product_id)
        .group_by(reviews.c.rating)
    )
    return {row.rating: row.number for row in connection.execute(counted)}
