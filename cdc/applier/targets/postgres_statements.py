"""PostgreSQL's statements for many rows at once, made once for each shape of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import LiteralString

from psycopg import sql

from cdc.applier.ports import Form, TargetColumn, TargetTable
from cdc.applier.targets.shared import identifiers


class Shape:
    """What a statement is made for. Compared by identity of the table, to look statements up."""

    __slots__ = ("_parts", "columns", "key", "table")

    def __init__(
        self, table: TargetTable, key: tuple[str, ...], columns: tuple[str, ...] = ()
    ) -> None:
        self.table, self.key, self.columns = table, key, columns
        self._parts = (id(table), key, columns)

    def __hash__(self) -> int:
        return hash(self._parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self._parts == other._parts


@lru_cache(maxsize=1024)
def upsert(shape: Shape) -> bytes:
    """Insert whole rows, or set their columns where the key is there."""
    table, key = shape.table, shape.key
    settable = [c for c in shape.columns if c not in key and not table.columns[c].fixed]
    action = _sql("DO UPDATE SET {}").format(
        _comma(_sql("{0} = EXCLUDED.{0}").format(_id(name)) for name in settable)
    )
    return (
        _sql("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} ON CONFLICT ({}) {}")
        .format(
            _name(table),
            _comma(map(_id, shape.columns)),
            _comma(cast(table.columns[name]) for name in shape.columns),
            recordset(shape.columns),
            _comma(map(_id, key)),
            action if settable else _sql("DO NOTHING"),
        )
        .as_bytes(None)
    )


@lru_cache(maxsize=1024)
def update(shape: Shape) -> bytes:
    """Set columns of rows that are there."""
    columns = shape.table.columns
    # A row that carries nothing but its key still has to be there.
    settable = [c for c in shape.columns if c not in shape.key] or list(shape.key)
    return (
        _sql("UPDATE {} AS t SET {} FROM {} WHERE {}")
        .format(
            _name(shape.table),
            _comma(_sql("{} = {}").format(_id(name), cast(columns[name])) for name in settable),
            recordset(shape.columns),
            _same_key(shape),
        )
        .as_bytes(None)
    )


@lru_cache(maxsize=256)
def delete(shape: Shape) -> bytes:
    """Delete rows by their keys."""
    return (
        _sql("DELETE FROM {} AS t USING {} WHERE {}")
        .format(_name(shape.table), recordset(shape.key), _same_key(shape))
        .as_bytes(None)
    )


def _same_key(shape: Shape) -> sql.Composable:
    return sql.SQL(" AND ").join(
        _sql("t.{} = {}").format(_id(name), cast(shape.table.columns[name])) for name in shape.key
    )


def recordset(columns: Sequence[str]) -> sql.Composable:
    """The rows of the one parameter as `r`, every value as text."""
    names = _comma(_sql("{} text").format(_id(name)) for name in columns)
    return _sql("json_to_recordset(%s::json) AS r({})").format(names)


def cast(column: TargetColumn) -> sql.Composable:
    """A value's text as the column's type."""
    value = _sql("r.{}").format(_id(column.name))
    if column.form is Form.BYTES:
        return _sql("decode({}, 'base64')").format(value)
    if column.form is Form.NUMBER:
        value = _sql("CASE {0} WHEN 'true' THEN '1' WHEN 'false' THEN '0' ELSE {0} END").format(
            value
        )
    return _sql("({})::").format(value) + _type(column)


def _type(column: TargetColumn) -> sql.SQL:
    # The text is `format_type`'s own, quoted by PostgreSQL; it is no identifier that could be.
    return sql.SQL(column.type.replace("%", "%%"))


def _name(table: TargetTable) -> sql.Composable:
    return _id(*identifiers(table.name))


def _id(*names: str) -> sql.Composable:
    """A quoted identifier; `%` twice, as the driver looks for its parameters."""
    return sql.Identifier(*(name.replace("%", "%%") for name in names))


def _comma(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _sql(text: LiteralString) -> sql.SQL:
    return sql.SQL(text)
