"""What the catalogs say of the tables that are captured."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg.rows import TupleRow

from cdc.change import Column, Kind, Relation
from cdc.relay.ports import SourceError
from cdc.sources.postgres.types import kind_of

Connection = psycopg.Connection[TupleRow]

_KIND_OF_TYPE = """
WITH RECURSIVE base (oid, base, type) AS (
    SELECT oid, typbasetype, typtype FROM pg_type WHERE oid = %s
    UNION ALL
    SELECT t.oid, t.typbasetype, t.typtype FROM pg_type t JOIN base b ON t.oid = b.base
) SELECT oid::bigint FROM base WHERE base = 0
"""
_COLUMNS = """
SELECT a.attname, a.atttypid::bigint, format_type(a.atttypid, a.atttypmod),
       coalesce(a.attnum = ANY (i.indkey), false)
FROM pg_attribute a
LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum
"""
_IDENTITY = """
SELECT a.attname FROM pg_class c
JOIN pg_index i ON i.indrelid = c.oid AND i.indisreplident
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
WHERE c.oid = %s AND c.relreplident = 'i'
"""


def quoted(table: str) -> str:
    """A table's name as the stream writes it, each part quoted."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split("."))


def find(connection: Connection, table: str) -> tuple[int, str, str] | None:
    """Object identifier, schema and name of a table that the stream names; None if there is none.

    An unqualified name is found as the session would find it, along its search path.
    """
    row = connection.execute(
        "SELECT c.oid::bigint, n.nspname, c.relname FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%s)",
        (quoted(table),),
    ).fetchone()
    return None if row is None else (row[0], row[1], row[2])


def type_kind(connection: Connection, oid: int) -> Kind:
    """The kind of a type; domains count as what they are made of."""
    kind = kind_of(oid)
    if kind is not Kind.OTHER:
        return kind
    row = connection.execute(_KIND_OF_TYPE, (oid,)).fetchone()
    return Kind.OTHER if row is None else kind_of(row[0])


def key_columns(connection: Connection, oid: int, wanted: Sequence[str]) -> frozenset[str]:
    """The columns that identify a row.

    Those wanted, else the primary key, else the index that is the table's replica identity.
    """
    if wanted:
        return frozenset(wanted)
    primary = [row[0] for row in connection.execute(_COLUMNS, (oid,)) if row[3]]
    return frozenset(primary or [row[0] for row in connection.execute(_IDENTITY, (oid,))])


def relation(connection: Connection, table: str, wanted: Sequence[str]) -> Relation:
    """A table as it is now. Raises a permanent `SourceError` where it is missing or has no key."""
    found = find(connection, table)
    if found is None:
        raise SourceError(f"the source has no table {table}", temporary=False)
    oid, schema, name = found
    key = key_columns(connection, oid, wanted)
    columns = tuple(
        Column(column, type_kind(connection, kind), written, column in key)
        for column, kind, written, _ in connection.execute(_COLUMNS, (oid,)).fetchall()
    )
    missing = key - {column.name for column in columns}
    if missing or not key:
        raise SourceError(_no_key(table, sorted(missing)), temporary=False)
    return Relation(table, schema, name, columns)


def _no_key(table: str, missing: Sequence[str]) -> str:
    if missing:
        return f"the key of {table} names columns that it does not have: {', '.join(missing)}"
    return (
        f"the table {table} has no key, so its rows cannot be told apart: give it one (ALTER TABLE"
        f" {quoted(table)} ADD PRIMARY KEY …) or name unique columns as `key:` in routes.yaml"
    )
