"""The table that is written, read and compared: ten columns, envelopes of 600 bytes or so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

TABLE = "bench_review"

CREATE = f"""
CREATE TABLE {TABLE} (
    id bigint PRIMARY KEY, user_id integer, product_id bigint, rating smallint,
    title varchar(80), body text, price numeric(12, 2), created_at timestamptz,
    verified boolean, extra jsonb)
"""
_VALUES = """
    {first} + i, i % 1000, i * 7, i % 5, 'Review ' || i, repeat(md5(i::text), 3),
    (i % 10000) / 100.0, '2026-11-24 09:30:00+00'::timestamptz + i * interval '1001 us',
    i % 2 = 0, jsonb_build_object('a', i, 'b', 'x')
"""
_SELECT = f"""
SELECT id, user_id, product_id, rating, title, body, price::text,
       to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), verified, extra::text
FROM {TABLE} WHERE id >= %s AND id < %s ORDER BY id
"""
INSERT = (
    f"INSERT INTO {TABLE} SELECT {_VALUES.format(first=0).replace('%', '%%')}"
    " FROM generate_series(%s::bigint, %s::bigint) i"
)


def insert(url: str, first: int, rows: int, commit: int) -> None:
    """Write `rows` rows from id `first` on, so many to a commit."""
    values = _VALUES.format(first=f"{first} + j * {commit}")
    block = (
        f"DO $$ BEGIN FOR j IN 0..{rows // commit - 1} LOOP"
        f" INSERT INTO {TABLE} SELECT {values} FROM generate_series(0, {commit - 1}) i;"
        " COMMIT; END LOOP; END $$"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(block)


def select(url: str, first: int, rows: int) -> Iterator[tuple[Any, ...]]:
    """These rows, in the order of `checksum.COLUMNS`."""
    with psycopg.connect(url) as connection, connection.cursor("rows") as cursor:
        cursor.itersize = 10_000
        cursor.execute(_SELECT.encode(), (first, first + rows))
        yield from cursor
