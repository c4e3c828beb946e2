"""The statements that read rows of a table, in chunks or one by one.

Values of a key stand in them as literals of their columns' types: so the comparison is the one of
the key's index (its collation too), and the index serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from cdc.change import Column, Kind, Relation, Row, Value


@dataclass(frozen=True, slots=True)
class Plan:
    """How one table is read."""

    relation: Relation
    order: tuple[int, ...]
    """The key's columns in the order of its index; `relation.key` has them in the table's."""
    partitioned: bool

    def chunk(self, after: Row | None, limit: int, where: str | None) -> sql.Composed:
        """Up to `limit` rows after a key."""
        conditions: list[sql.Composable] = []
        if after is not None:
            conditions.append(sql.SQL("({}) > ({})").format(self._key(), self._literals(after)))
        if where:
            # An operator's own condition, in the source's SQL, by an operator's own command. The
            # end of the line ends a comment in it.
            conditions.append(sql.SQL("(" + where + "\n)"))
        ordered = sql.SQL(" ORDER BY {} LIMIT {}").format(self._key(), sql.Literal(limit))
        return self._select(conditions) + ordered

    def rows(self, keys: Sequence[Row]) -> sql.Composed:
        """The rows with these keys."""
        if not keys:
            return self._select([sql.SQL("false")])
        values = sql.SQL(", ").join(sql.SQL("({})").format(self._literals(key)) for key in keys)
        return self._select([sql.SQL("({}) IN (VALUES {})").format(self._key(), values)])

    def count(self) -> sql.Composed:
        """How many rows there are."""
        return sql.SQL("SELECT count(*) FROM {}").format(self._table())

    def guess(self) -> sql.Composed:
        """What the planner believes: its statistics, scaled to the size that the table has now."""
        return sql.SQL("EXPLAIN (FORMAT JSON) SELECT FROM {}").format(self._table())

    def _select(self, conditions: Sequence[sql.Composable]) -> sql.Composed:
        columns = sql.SQL(", ").join(
            sql.Identifier(column.name) for column in self.relation.columns
        )
        where = sql.SQL(" AND ").join([sql.SQL("true"), *conditions])
        return sql.SQL("SELECT {} FROM {} WHERE {}").format(columns, self._table(), where)

    def _table(self) -> sql.Composable:
        """Without child tables, whose changes are in the log under their own names."""
        name = sql.Identifier(self.relation.schema, self.relation.name)
        return name if self.partitioned else sql.SQL("ONLY {}").format(name)

    def _key(self) -> sql.Composable:
        columns = self.relation.columns
        return sql.SQL(", ").join(sql.Identifier(columns[index].name) for index in self.order)

    def _literals(self, key: Row) -> sql.Composable:
        """A key's values, given in the table's order, in the index's order."""
        columns, values = self.relation.columns, dict(zip(self.relation.key, key, strict=True))
        return sql.SQL(", ").join(_literal(columns[index], values[index]) for index in self.order)


def _literal(column: Column, value: Value) -> sql.Composable:
    text = sql.Literal(None if value is None else str(value))
    form = "decode({}, 'base64')::{}" if column.kind is Kind.BINARY else "{}::{}"
    return sql.SQL(form).format(text, sql.SQL(column.type))
