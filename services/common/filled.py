"""Which of a service's tables have been filled.

An empty table may be the whole truth, or mean that nothing was copied yet. Whoever copies the rows
says so in a table beside them (docs/formats.md, "Tables at the target"): a row for each table that
has arrived completely once. It is theirs: a service reads it, and does without it before the first
copy has begun.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, inspect, select

filled: Final = Table(
    "strangler_filled",
    MetaData(),  # of its own: what a service creates has no place for it
    Column("stream", String(100), primary_key=True),
    Column("name", String(249), primary_key=True),
    Column("filled_ms", BigInteger, nullable=False),
)


def unfilled(connection: Connection, tables: Iterable[Table]) -> list[str]:
    """Names of the tables that have never been filled."""
    done: set[str] = set()
    if inspect(connection).has_table(filled.name):
        done.update(connection.scalars(select(filled.c.name)))
    return [table.name for table in tables if table.name not in done]
