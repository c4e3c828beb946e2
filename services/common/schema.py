"""The tables of a service, created when it starts, also when two processes start at once.

`CREATE TABLE IF NOT EXISTS` alone is not enough on PostgreSQL, where two sessions may both find
nothing and the second then breaks on the catalogue's unique index. An advisory lock lets one go
first. SQLite has one writer, whose lock is taken before the look.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    text,
)
from sqlalchemy.types import TypeDecorator

_LOCK = 0x5348_4F50
"""The advisory lock that the shop's services agree on; any number would do."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, on SQLite as well, whose own type forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The time in UTC; raises ValueError for one without a zone, which would be a guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time needs its zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The time as an aware one in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def id_column() -> Column[int]:
    """The primary key; its values come from the monolith."""
    # SQLite gives only an INTEGER key its fast form.
    kind = BigInteger().with_variant(Integer, "sqlite")
    return Column("id", kind, primary_key=True, autoincrement=False)


def create_schema(engine: Engine, metadata: MetaData) -> None:
    """Create whatever of `metadata` is missing; harmless when repeated or run side by side."""
    with engine.begin() as connection:
        _take_lock(connection)
        metadata.create_all(connection)


def _take_lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # pysqlite opens a transaction only before a change of rows, too late for the look.
        connection.execute(text("BEGIN IMMEDIATE"))
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
