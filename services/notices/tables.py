"""The tables of notices and questions, and what a row must be to enter them.

Text has no limits here: what may be written is decided where it is written, in the monolith.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, Table, Text

from services.common.fill import filled_table
from services.common.rows import Row, moment_of, value_of
from services.common.schema import UtcDateTime, id_column

metadata: Final = MetaData()
filled: Final = filled_table(metadata)

notices: Final = Table(
    "notices",
    metadata,
    id_column(),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
)
# Pinned ones first, then the newest; both databases read an index backwards.
Index("notices_shown", notices.c.pinned, notices.c.published_at, notices.c.id)

questions: Final = Table(
    "questions",
    metadata,
    id_column(),
    Column("category", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
)


def notice_row(given: Mapping[str, object]) -> Row:
    """The row of one JSON object; fields they do not have are ignored. Raises RowError."""
    return {
        "id": value_of(given, "id", int),
        "title": value_of(given, "title", str),
        "body": value_of(given, "body", str),
        "pinned": value_of(given, "pinned", bool),
        "published_at": moment_of(given, "published_at"),
    }


def question_row(given: Mapping[str, object]) -> Row:
    """The row of one JSON object; fields they do not have are ignored. Raises RowError."""
    return {
        "id": value_of(given, "id", int),
        "category": value_of(given, "category", str),
        "position": value_of(given, "position", int),
        "question": value_of(given, "question", str),
        "answer": value_of(given, "answer", str),
    }
