"""What is asked of the reviews' table."""

from typing import Any

from sqlalchemy import Connection, Select, func, select

from services.common.database import LARGEST_ID
from services.common.paging import Page
from services.common.rows import Row
from services.reviews.tables import reviews


def page_of_reviews(connection: Connection, page: Page) -> tuple[int, list[Row]]:
    """How many reviews there are in all, and those of one page, newest first."""
    count = connection.scalar(_narrowed(select(func.count()).select_from(reviews), page)) or 0
    newest = _narrowed(select(reviews), page).order_by(
        reviews.c.created_at.desc(), reviews.c.id.desc()
    )
    rows = connection.execute(newest.limit(page.size).offset(page.offset))
    return count, [row._asdict() for row in rows]


def review(connection: Connection, review_id: int) -> Row | None:
    """One review, or None."""
    if review_id > LARGEST_ID:
        return None
    row = connection.execute(select(reviews).where(reviews.c.id == review_id)).first()
    return row._asdict() if row else None


def ratings(connection: Connection, product_id: int) -> dict[int, int]:
    """Number of reviews of a product by rating; ratings that nobody gave are missing."""
    counted = (
        select(reviews.c.rating, func.count().label("number"))
        .where(reviews.c.product_id == product_id)
        .group_by(reviews.c.rating)
    )
    return {row.rating: row.number for row in connection.execute(counted)}


def product_name(connection: Connection, product_id: int) -> str | None:
    """What the newest review of a product calls it, None when nobody reviewed it."""
    newest = (
        select(reviews.c.product_name)
        .where(reviews.c.product_id == product_id)
        .order_by(reviews.c.created_at.desc(), reviews.c.id.desc())
        .limit(1)
    )
    return connection.scalar(newest)


def _narrowed(query: Select[Any], page: Page) -> Select[Any]:
    product_id = page.filters.get("product")
    return query if product_id is None else query.where(reviews.c.product_id == product_id)
