"""What a table looks like, as SQLite's own pragmas tell it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from cdc.change import Column, Relation
from cdc.relay.ports import SourceError
from cdc.sources.sqlite.values import kind_of


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column that holds a value of its own; generated ones do not."""

    name: str
    type: str
    pk: int
    """Place in the primary key, from 1; 0 outside of it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One table at one time: which columns its captured rows have, in which order."""

    table: str
    columns: tuple[StoredColumn, ...]

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The primary key's columns in the order it was declared in: that of its index."""
        ordered = sorted((column for column in self.columns if column.pk), key=lambda c: c.pk)
        return tuple(column.name for column in ordered)

    def to_json(self) -> str:
        """As it is kept in `strangler_shapes`."""
        return json.dumps([[column.name, column.type, column.pk] for column in self.columns])

    @classmethod
    def from_json(cls, table: str, columns: str) -> Shape:
        """As it was kept."""
        return cls(table, tuple(StoredColumn(*column) for column in json.loads(columns)))

    def relation(self, table: str, key: Sequence[str] = ()) -> Relation:
        """The relation of a stream that calls the table `table`; `key` instead of the primary key.

        Raises `SourceError` when there is no key, or a key's column is missing.
        """
        names = {column.name.casefold(): column.name for column in self.columns}
        chosen = {names.get(name.casefold(), "") for name in key} or set(self.primary_key)
        if not chosen:
            raise SourceError(
                f"table {table} has no primary key, so its rows cannot be told apart;"
                f" name columns that identify a row in the stream: `key:` of {table}",
                temporary=False,
            )
        if "" in chosen:
            raise SourceError(
                f"table {table} has no column for each of the key's {', '.join(key)};"
                f" correct the stream's `key:` of {table}",
                temporary=False,
            )
        return Relation(
            table, "main", self.table,
            tuple(Column(c.name, kind_of(c.type), c.type, c.name in chosen) for c in self.columns),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns that no two rows share, with the collation by which they are compared."""

    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is now, with what its triggers have to know."""

    shape: Shape
    unique: tuple[Unique, ...]
    untraced: tuple[str, ...]
    """Unique indexes on expressions or parts of the table, which the triggers cannot follow."""
    rowid: str | None
    """A name of the rowid that no column has; None for a table without one."""


def bare(table: str) -> str:
    """The name in the file of a table that a stream names: `main.` may stand before it."""
    return table.removeprefix("main.")


def find(connection: sqlite3.Connection, table: str) -> Table:
    """The table as it is now. Raises `SourceError` for what is no table with rows of its own."""
    row = connection.execute(
        "SELECT name, type, sql FROM sqlite_master WHERE name = ? COLLATE NOCASE"
        " AND type IN ('table', 'view')", (bare(table),),
    ).fetchone()  # fmt: skip
    if row is None:
        raise _refused(table, "is not there; correct its name in the stream, or create it")
    name, type_, sql = row
    if type_ == "view":
        raise _refused(table, "is a view, which has no rows of its own; name the tables below it")
    if sql.upper().lstrip().startswith("CREATE VIRTUAL"):
        raise _refused(table, "is a virtual table, which no trigger can watch; leave it out")
    return _described(connection, name)


def _refused(table: str, why: str) -> SourceError:
    return SourceError(f"table {table} {why}", temporary=False)


def _described(connection: sqlite3.Connection, name: str) -> Table:
    rows = connection.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall()
    # `hidden` is 2 or 3 for a generated column: it has no value of its own to be copied.
    columns = tuple(StoredColumn(row[1], row[2], row[5]) for row in rows if row[6] == 0)
    shape = Shape(name, columns)
    unique, untraced = _unique(connection, shape)
    return Table(shape, unique, untraced, _rowid(connection, name, {row[1] for row in rows}))


def _rowid(connection: sqlite3.Connection, name: str, columns: set[str]) -> str | None:
    taken = {column.casefold() for column in columns}
    alias = next((a for a in ("rowid", "_rowid_", "oid") if a not in taken), None)
    try:
        connection.execute(f"SELECT {alias} FROM {quoted(name)} LIMIT 0")  # noqa: S608
    except sqlite3.OperationalError:
        return None  # WITHOUT ROWID
    return alias


def _unique(
    connection: sqlite3.Connection, shape: Shape
) -> tuple[tuple[Unique, ...], tuple[str, ...]]:
    """What can make REPLACE remove another row: the rowid's column, and each unique index."""
    found: list[Unique] = []
    untraced: list[str] = []
    stored = {column.name for column in shape.columns}
    indexes = connection.execute(
        'SELECT name, origin, partial FROM pragma_index_list(?) WHERE "unique" ORDER BY name',
        (shape.table,),
    ).fetchall()
    if shape.primary_key and not any(origin == "pk" for _, origin, _ in indexes):
        found.append(Unique(tuple((name, "BINARY") for name in shape.primary_key)))
    for name, _, partial in indexes:
        columns = connection.execute(
            "SELECT name, coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno", (name,)
        ).fetchall()
        if partial or any(column not in stored for column, _ in columns):
            untraced.append(name)
        else:
            found.append(Unique(tuple(columns)))
    return tuple(found), tuple(untraced)
