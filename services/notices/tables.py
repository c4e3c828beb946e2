"""The tables of notices and questions: copies of the monolith's, column by column.

Nothing has a limit or a check here: what may be written is decided where it is written, in the
monolith, and a row that it accepted must never be refused here.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, Table, Text

from services.common.schema import UtcDateTime, id_column

metadata: Final = MetaData()

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
