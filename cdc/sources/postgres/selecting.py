"""The statements that read rows of a table, in chunks or one by one.

Values of a key stand in them as literals of their columns' types: so the comparison is the one of
the key's index (its collation too), and the index serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from cdc.bounded import SHORT
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
        return self._page(self._columns(), after, limit, where)

    def _page(
        self, asked: Sequence[sql.Composable], after: Row | None, limit: int, where: str | None
    ) -> sql.Composed:
        conditions: list[sql.Composable] = []
        if after is not None:
            conditions.append(sql.SQL("({}) > ({})").format(self._key(), self._literals(after)))
        if where:
            # An operator's own condition, in the source's SQL, by an operator's own command. The
            # end of the line ends a comment in it.
            conditions.append(sql.SQL("(" + where + "\n)"))
        ordered = sql.SQL(" ORDER BY {} LIMIT {}").format(self._key(), sql.Literal(limit))
        return self._select(asked, conditions) + ordered

    def size(self, after: Row | None, limit: int, where: str | None) -> sql.Composed:
        """How many bytes that chunk is, about."""
        widths = [
            _width(column) for column in self.relation.columns if column.kind not in SHORT
        ] or [sql.SQL("0")]
        sizes = self._page([sql.SQL(" + ").join(widths)], after, limit, where)
        return sql.SQL("SELECT coalesce(sum(size), 0) FROM ({}) AS it (size)").format(sizes)

    def rows(self, keys: Sequence[Row]) -> sql.Composed:
        """The rows with these keys."""
        if not keys:
            return self._select(self._columns(), [sql.SQL("false")])
        values = sql.SQL(", ").join(sql.SQL("({})").format(self._literals(key)) for key in keys)
        found = sql.SQL("({}) IN (VALUES {})").format(self._key(), values)
        return self._select(self._columns(), [found])

    def count(self) -> sql.Composed:
        """How many rows there are."""
        return sql.SQL("SELECT count(*) FROM {}").format(self._table())

    def guess(self) -> sql.Composed:
        """What the planner believes: its statistics, scaled to the size that the table has now."""
        return sql.SQL("EXPLAIN (FORMAT JSON) SELECT FROM {}").format(self._table())

    def _columns(self) -> list[sql.Composable]:
        return [sql.Identifier(column.name) for column in self.relation.columns]

    def _select(
        self, asked: Sequence[sql.Composable], conditions: Sequence[sql.Composable]
    ) -> sql.Composed:
        where = sql.SQL(" AND ").join([sql.SQL("true"), *conditions])
        return sql.SQL("SELECT {} FROM {} WHERE {}").format(
            sql.SQL(", ").join(asked), self._table(), where
        )

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


def _width(column: Column) -> sql.Composable:
    """Bytes of a column's value as it is sent, about.

    Of a text and a bytea without reading it (TOAST); a value of a few bytes is not compressed.
    """
    form = {
        Kind.TEXT: "octet_length({0}::text)",
        Kind.BINARY: "2 * octet_length({0})",
        Kind.DECIMAL: "4 * pg_column_size({0})",
    }.get(
        column.kind,
        "CASE WHEN pg_column_size({0}) < 127 THEN 127 ELSE octet_length({0}::text) END",
    )
    return sql.SQL("coalesce((" + form + ")::bigint, 0)").format(sql.Identifier(column.name))


def _literal(column: Column, value: Value) -> sql.Composable:
    text = sql.Literal(None if value is None else str(value))
    form = "decode({}, 'base64')::{}" if column.kind is Kind.BINARY else "{}::{}"
    return sql.SQL(form).format(text, sql.SQL(column.type))
