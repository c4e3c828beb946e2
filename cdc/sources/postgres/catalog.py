"""What the catalogs say of the tables that are captured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from cdc.change import Column, Kind, Relation
from cdc.relay.ports import SourceError
from cdc.sources.postgres.types import kind_of

Connection = psycopg.Connection[TupleRow]

_FIND: Final = """
SELECT c.oid::bigint, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n
ON n.oid = c.relnamespace
WHERE c.relname = %(name)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND CASE WHEN %(schema)s::text IS NULL THEN pg_table_is_visible(c.oid)
           ELSE n.nspname = %(schema)s::text END
"""
_KIND_OF_TYPE: Final = """
WITH RECURSIVE base (oid, base, type) AS (
    SELECT oid, typbasetype, typtype FROM pg_type WHERE oid = %s
    UNION ALL
    SELECT t.oid, t.typbasetype, t.typtype FROM pg_type t JOIN base b ON t.oid = b.base
) SELECT oid::bigint FROM base WHERE base = 0
"""
_COLUMNS: Final = """
SELECT a.attname, a.atttypid::bigint, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum
"""
"""Generated columns are not in the log, so they are none for a snapshot either."""
_INDEXES: Final = """
SELECT quote_ident(x.relname), i.indisprimary, i.indisreplident AND c.relreplident = 'i',
       i.indimmediate,
       array(SELECT a.attname::text FROM generate_series(0, i.indnkeyatts - 1) AS n
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n] ORDER BY n)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
  AND 0 <> ALL (i.indkey::int2[])
ORDER BY i.indisprimary DESC, i.indexrelid
"""
"""Without the columns that an index only includes."""

_NULLABLE: Final = """
SELECT a.attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = %s AND a.attname = ANY (%s) AND NOT (a.attnotnull OR t.typnotnull)
"""


@dataclass(frozen=True, slots=True)
class Unique:
    """A unique index over the whole table."""

    name: str
    """Quoted where it has to be, but without its schema, as statements about its table want it."""
    primary: bool
    identity: bool
    """Whether the log names old rows by it (`REPLICA IDENTITY USING INDEX`)."""
    immediate: bool
    """Whether it may be a replica identity: no deferrable one may."""
    columns: tuple[str, ...]
    """In the index's own order."""


def one(connection: Connection, query: str, *given: object) -> Any:
    """The first value of a query's first row; None for no row."""
    row = connection.execute(query.encode(), given or None).fetchone()
    return None if row is None else row[0]


def quoted(table: str) -> str:
    """A table's name as the stream writes it, each part quoted."""
    return ".".join(ident(part) for part in table.split("."))


def ident(name: str) -> str:
    """One name, quoted."""
    return sql.Identifier(name).as_string(None)


def find(connection: Connection, table: str) -> tuple[int, str, str] | None:
    """Object identifier, schema and name of a table that the stream names; None if there is none.

    An unqualified name is found as the session would find it, along its search path. The catalogs
    are asked, as `to_regclass` fails for a schema that the role may not use.
    """
    schema, _, name = table.rpartition(".")
    row = connection.execute(_FIND, {"name": name, "schema": schema or None}).fetchone()
    return None if row is None else (int(row[0]), row[1], row[2])


def type_kind(connection: Connection, oid: int) -> Kind:
    """The kind of a type; domains count as what they are made of."""
    kind = kind_of(oid)
    if kind is not Kind.OTHER:
        return kind
    row = connection.execute(_KIND_OF_TYPE, (oid,)).fetchone()
    return Kind.OTHER if row is None else kind_of(row[0])


def unique_indexes(connection: Connection, oid: int) -> list[Unique]:
    """The table's unique indexes, the primary key first."""
    return [
        Unique(row[0], row[1], row[2], row[3], tuple(row[4]))
        for row in connection.execute(_INDEXES, (oid,)).fetchall()
    ]


def key_columns(connection: Connection, oid: int, wanted: Sequence[str]) -> frozenset[str]:
    """The columns that identify a row.

    Those wanted, else the index by which the log names rows, else the primary key: what comes from
    the log and what comes from the table must have the same key.
    """
    if wanted:
        return frozenset(wanted)
    indexes = unique_indexes(connection, oid)
    found = [index for index in indexes if index.identity] or [i for i in indexes if i.primary]
    return frozenset(found[0].columns if found else ())


def columns(connection: Connection, oid: int, key: frozenset[str]) -> tuple[Column, ...]:
    """The columns as they are now."""
    listed = connection.execute(_COLUMNS, (oid,)).fetchall()
    return tuple(
        Column(name, type_kind(connection, kind), written, name in key)
        for name, kind, written in listed
    )


def relation(connection: Connection, table: str, wanted: Sequence[str]) -> Relation:
    """A table as it is now. Raises a permanent `SourceError` where it is missing or has no key."""
    found = find(connection, table)
    if found is None:
        raise SourceError(f"the source has no table {table}", temporary=False)
    oid, schema, name = found
    key = key_columns(connection, oid, wanted)
    now = columns(connection, oid, key)
    missing = key - {column.name for column in now}
    if missing or not key:
        raise SourceError(_no_key(table, sorted(missing)), temporary=False)
    nullable = one(connection, _NULLABLE, oid, sorted(key))
    if nullable is not None:
        raise SourceError(
            f"column {nullable} of the key of {table} may be NULL, and rows with NULL in their key"
            f" would be left out: ALTER TABLE {quoted(table)} ALTER COLUMN {ident(nullable)} SET"
            " NOT NULL", temporary=False,
        )  # fmt: skip
    return Relation(table, schema, name, now)


def _no_key(table: str, missing: Sequence[str]) -> str:
    if missing:
        return (
            f"the key of {table} names columns that it does not have or that are generated:"
            f" {', '.join(missing)}"
        )
    name = quoted(table)
    return (
        f"the table {table} has no key, so its rows cannot be told apart: ALTER TABLE {name} ADD"
        f" PRIMARY KEY (…), or ALTER TABLE {name} REPLICA IDENTITY USING INDEX a unique one over"
        " columns that are NOT NULL, or name such columns as `key:` in routes.yaml"
    )
