"""What is asked of the reviews' table."""

from typing import Any

from sqlalchemy import Connection, Select, func, select

from services.reviews.tables import reviews


def newest_first(product_id: int | None = None) -> Select[Any]:
    """The query for all reviews, or for those of one product."""
    query = select(reviews).order_by(reviews.c.created_at.desc(), reviews.c.id.desc())
    return query if product_id is None else query.where(reviews.c.product_id == product_id)


def ratings_of(connection: Connection, product_id: int) -> dict[int, int]:
    """Number of reviews of a product by rating; ratings that nobody gave are missing."""
    counted = (
        select(reviews.c.rating, func.count().label("number"))
        .where(reviews.c.product_id == product_id)
        .group_by(reviews.c.rating)
    )
    return {row.rating: row.number for row in connection.execute(counted)}
