"""The applier's tables in the target: docs/formats.md, "Tables at the target".

They are written in the same transactions as the rows, which is what makes the copy exactly-once in
effect. Times are milliseconds since 1970; leases are by the database's own clock (`now_ms`).
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects.mysql import LONGTEXT, VARCHAR
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.exc import DatabaseError
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.elements import ColumnElement

metadata: Final = MetaData()

_BINARY = {"charset": "utf8mb4", "collation": "utf8mb4_bin"}
"""On MySQL texts are compared without their case unless this is said."""
_NAME = String(100).with_variant(VARCHAR(100, **_BINARY), "mysql", "mariadb")
_TOPIC = String(249).with_variant(VARCHAR(249, **_BINARY), "mysql", "mariadb")
"""As long as Kafka allows."""
_LONG = Text().with_variant(LONGTEXT(**_BINARY), "mysql", "mariadb")
_ID = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts by itself only in a column of type INTEGER."""

stream_table: Final = Table(
    "strangler_stream",
    metadata,
    Column("stream", _NAME, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("incarnation", BigInteger, nullable=False),
    Column("relay_epoch", BigInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("message", _LONG, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

applied_table: Final = Table(
    "strangler_applied",
    metadata,
    Column("stream", _NAME, primary_key=True),
    Column("topic", _TOPIC, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("topic_id", String(64)),
    Column("next_offset", BigInteger),
    Column("incarnation", BigInteger, nullable=False),
    Column("position", String(16), nullable=False),
    Column("idx", BigInteger, nullable=False),
    Column("relay_epoch", BigInteger, nullable=False),
    Column("marker_seq", BigInteger, nullable=False),
    Column("seen_seq", BigInteger, nullable=False),
    Column("complete_seq", BigInteger, nullable=False),
    Column("truncate_at", String(64)),
    Column("committed_ms", BigInteger, nullable=False),
    Column("applied_ms", BigInteger, nullable=False),
    Column("lease_owner", _NAME),
    Column("lease_until", BigInteger, nullable=False),
)

parked_table: Final = Table(
    "strangler_parked",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("stream", _NAME, nullable=False),
    Column("topic", _TOPIC, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("record_id", String(64), nullable=False),
    Column("key_json", _LONG, nullable=False),
    Column("value", _LONG, nullable=False),
    Column("op", String(1), nullable=False),
    Column("state", String(10), nullable=False),
    Column("after_seq", BigInteger, nullable=False),
    Column("reason", _LONG, nullable=False),
    Column("parked_ms", BigInteger, nullable=False),
    Index("strangler_parked_partition", "stream", "topic", "partition", "offset"),
)

filled_table: Final = Table(
    "strangler_filled",
    metadata,
    Column("stream", _NAME, primary_key=True),
    Column("name", _TOPIC, primary_key=True),
    Column("filled_ms", BigInteger, nullable=False),
)

FIRST_EPOCH: Final = 1

_NOW_MS: Final = {
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
    "mysql": "CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)",
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
}


def applied_ddl(database: str) -> str:
    """The statement that makes `strangler_applied` in a `postgresql` or `sqlite` database.

    For a source that is set up before an applier has written there: the log must have the table
    from the beginning.
    """
    dialect: Dialect = {"postgresql": PGDialect, "sqlite": SQLiteDialect}[database]()
    return " ".join(str(CreateTable(applied_table).compile(dialect=dialect)).split())


def now_ms(connection: Connection) -> ColumnElement[int]:
    """The database's own clock: what the leases of several machines are measured by."""
    return literal_column(_NOW_MS[connection.dialect.name], BigInteger())


def ensure(connection: Connection, stream: str) -> None:
    """Create the tables and the stream's row where they are missing.

    Two appliers may come at once: whoever is second finds what the first one made.
    """
    _once(connection, lambda: metadata.create_all(connection))
    row = select(stream_table.c.stream).where(stream_table.c.stream == stream)
    if connection.execute(row).first() is None:
        first: dict[str, Any] = {
            "stream": stream, "epoch": FIRST_EPOCH, "incarnation": 0, "relay_epoch": 0,
            "state": "running", "message": "", "updated_at": 0,
        }  # fmt: skip
        _once(connection, lambda: connection.execute(insert(stream_table).values(first)))


def _once(connection: Connection, create: Any) -> None:
    """Do it, or find that somebody else has done it in this moment."""
    try:
        with connection.begin_nested():
            create()
    except DatabaseError:
        with connection.begin_nested():
            metadata.create_all(connection)
