"""Tables of the store, and the steps that bring an older database forward.

Migrations only ever add; each runs once, in order, inside one transaction with the number it
leaves behind. A database that a newer release has moved ahead is refused rather than guessed at.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
    update,
)

from strangler.rollout.versions import StoreError

metadata = MetaData()

versions = Table(
    "strangler_versions",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("fences", Text, nullable=False),
    Column("author", String(200), nullable=False),
    Column("source", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),
)

replicas = Table(
    "strangler_replicas",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("served", Text, nullable=False),
    Column("seen_at", Float(53), nullable=False),
    Column("lease_until", Float(53), nullable=False),
)

owners = Table(
    "strangler_owners",
    metadata,
    Column("group_name", String(200), primary_key=True),
    Column("upstream", String(200), nullable=False),
    Column("epoch", BigInteger, nullable=False),
)

settings = Table(
    "strangler_settings",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", Text, nullable=False),
)

audit = Table(
    "strangler_audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Float(53), nullable=False),
    Column("author", String(200), nullable=False),
    Column("action", String(50), nullable=False),
    Column("details", Text, nullable=False),
)

_schema = Table(
    "strangler_schema",
    metadata,
    Column("only", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
)


def _first(connection: Connection) -> None:
    metadata.create_all(connection)
    connection.execute(insert(_schema).values(only=1, version=0))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first,)
"""Step i brings a database from version i to i + 1."""


def migrate(connection: Connection) -> None:
    """Bring the schema to this release's version; the caller holds the store's write lock.

    Raises `StoreError` if a newer release has written it.
    """
    found = schema_version(connection)
    if found > len(MIGRATIONS):
        raise StoreError(
            f"the store has schema {found}, this release knows {len(MIGRATIONS)}: "
            "a newer release has written it, so run that one, or name another --store"
        )
    for step in MIGRATIONS[found:]:
        step(connection)
    if found < len(MIGRATIONS):
        connection.execute(update(_schema).values(version=len(MIGRATIONS)))


def schema_version(connection: Connection) -> int:
    """The schema's version; 0 for an empty database."""
    if not inspect(connection).has_table(_schema.name):
        return 0
    return int(connection.execute(select(_schema.c.version)).scalar_one())
