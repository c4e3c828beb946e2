"""Filling a service's tables from JSON lines: all of it in one transaction, or nothing.

Rows are upserted by their primary key, so that a second run changes nothing and a run with newer
rows brings them up to date. Rows that the input lacks stay: deletions are the relay's business.
That a table was filled is a row of its own; `readyz` asks for it, as an empty table may be the
whole truth or mean that nobody ran `fill` yet.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from services.common.filled import filled
from services.common.rows import ParseRow, Row, RowError

BATCH = 1000
"""Rows of one statement: memory stays flat however long the input is."""


class FillError(ValueError):
    """The input cannot be used; the text names its file and line."""


@dataclass(frozen=True, slots=True)
class Input:
    """JSON lines for one table."""

    table: Table
    parse: ParseRow
    lines: IO[str]


def fill(connection: Connection, given: Input) -> int:
    """Upsert the rows of one input and note that its table is filled; the number of rows.

    Raises FillError, after which the caller's transaction must not be committed.
    """
    count = 0
    for batch in batches(rows(given)):
        upsert(connection, given.table, batch)
        count += len(batch)
    filled.create(connection, checkfirst=True)
    upsert(connection, filled, [{"stream": "fill", "name": given.table.name, "filled_ms": 0}])
    return count


def rows(given: Input) -> Iterator[Row]:
    """The rows of an input; empty lines are skipped. Raises FillError."""
    if given.lines.seekable():
        given.lines.seek(0)  # Several tables may be filled from one file.
    for number, line in enumerate(given.lines, 1):
        if line.strip():
            try:
                yield given.parse(_object(line))
            except RowError as error:
                raise FillError(f"{given.lines.name}:{number}: {error}") from error


def batches(source: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in lists of at most `BATCH`."""
    rest = iter(source)
    while batch := list(islice(rest, BATCH)):
        yield batch


def upsert(connection: Connection, table: Table, batch: list[Row]) -> None:
    """Insert rows, or bring those with the same primary key up to date."""
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    insert = dialect.insert(table)
    key = list(table.primary_key.columns)
    others = {column.name: insert.excluded[column.name] for column in table.c if column not in key}
    statement = (
        insert.on_conflict_do_update(index_elements=key, set_=others)
        if others
        else insert.on_conflict_do_nothing(index_elements=key)
    )
    connection.execute(statement, batch)


def _object(line: str) -> Mapping[str, object]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RowError("this is no JSON") from error
    if not isinstance(value, dict):
        raise RowError("a row must be a JSON object")
    return value
