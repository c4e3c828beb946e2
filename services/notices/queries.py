"""What is asked of the tables of notices and questions."""

from typing import Any

from sqlalchemy import Connection, Select, select

from services.common.rows import Row
from services.notices.tables import notices, questions


def notices_shown() -> Select[Any]:
    """The query for all notices: pinned ones first, then the newest."""
    return select(notices).order_by(
        notices.c.pinned.desc(), notices.c.published_at.desc(), notices.c.id.desc()
    )


def questions_asked(connection: Connection, category: str | None = None) -> list[Row]:
    """All questions, or those of one category, by category and then by position."""
    query = select(questions).order_by(questions.c.category, questions.c.position, questions.c.id)
    if category is not None:
        query = query.where(questions.c.category == category)
    return [row._asdict() for row in connection.execute(query)]
