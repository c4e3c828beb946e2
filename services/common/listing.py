"""Lists from the database a page at a time, for the API and for people."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Select, func

from services.common.paging import Page, page_shown
from services.common.rows import LARGEST, Row


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list."""

    page: Page
    count: int
    """Rows of the whole list."""
    rows: list[Row]


def listing_asked(connection: Connection, query: Select[Any], page: Page) -> Listing:
    """Exactly the page that a program asked for; beyond the last one it is empty."""
    count = _count(connection, query)
    return Listing(page, count, _rows(connection, query, page) if count else [])


def listing_shown(connection: Connection, query: Select[Any], page: str | None) -> Listing:
    """The page nearest to what a person's address bar says."""
    count = _count(connection, query)
    shown = page_shown(page, count)
    return Listing(shown, count, _rows(connection, query, shown))


def _count(connection: Connection, query: Select[Any]) -> int:
    counting = query.with_only_columns(func.count(), maintain_column_froms=True)
    return connection.scalar(counting.order_by(None)) or 0


def _rows(connection: Connection, query: Select[Any], page: Page) -> list[Row]:
    found = connection.execute(query.limit(page.size).offset(page.offset))
    return [row._asdict() for row in found]


def row_by_id(
    connection: Connection, query: Select[Any], column: Column[int], row_id: int
) -> Row | None:
    """The row of `query` whose `column` is `row_id`, or None."""
    if row_id > LARGEST:
        return None
    row = connection.execute(query.where(column == row_id)).first()
    return row._asdict() if row else None
