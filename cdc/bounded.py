"""Rows are taken from a database until they are enough bytes: nobody knows their width before.

A chunk is one statement with a number of rows as its limit, so that it shows one moment. What
bounds its memory is that its rows are taken one by one, until they are enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from sys import getsizeof
from typing import Final

from cdc.change import Kind, Relation, Row

SHORT: Final = frozenset({
    Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT, Kind.UUID, Kind.DATE, Kind.TIME, Kind.TIMESTAMP,
    Kind.TIMESTAMPTZ, Kind.INTERVAL,
})  # fmt: skip
"""Kinds whose values are a few dozen bytes whatever they are: not worth a look at each."""


def taken(rows: Iterable[Row], relation: Relation, most: int) -> tuple[list[Row], bool]:
    """Rows of about `most` bytes, one at least, and whether it stopped because of that."""
    long = [i for i, column in enumerate(relation.columns) if column.kind not in SHORT]
    found: list[Row] = []
    size = 0
    for row in rows:
        found.append(row)
        for index in long:
            size += getsizeof(row[index])
        if size >= most:
            return found, True
    return found, False


def size_of(rows: Iterable[Row]) -> int:
    """Bytes of rows that are there already."""
    return sum(getsizeof(value) for row in rows for value in row)
