"""Rows that no SQL can compare: read in chunks, converted and compared in Python.

For tables with a `convert` function, and for JSON that two databases write differently. The
source's rows go through what the relay and the applier would do to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cdc.change import Relation, Row
from cdc.mapping import TableMapping, outgoing
from cdc.reconcile.canonical import canonical, digest, line
from cdc.reconcile.dialects.base import KeyText
from cdc.reconcile.plan import Pair, Plan
from cdc.reconcile.report import value_of
from cdc.reconcile.sides import Seen
from cdc.relay.ports import SourceControl

CHUNK = 5_000


class RowSide:
    """One side, row by row; see `cdc.reconcile.sides.Side`."""

    def __init__(self, control: SourceControl, plan: Plan, relation: Relation) -> None:
        self._control, self._plan, self._relation = control, plan, relation

    def look_up(self, keys: Sequence[KeyText]) -> dict[KeyText, Seen]:
        """See `Side`."""
        return {key: Seen(self._hash(texts), None) for key, texts in self.values(keys).items()}

    def values(self, keys: Sequence[KeyText]) -> Mapping[KeyText, tuple[str | None, ...]]:
        """See `Side`."""
        if not keys:
            return {}
        wanted, rows = set(keys), [self._row_key(key) for key in keys]
        found = dict(self._texts(row) for row in self._control.rows(self._relation, rows).rows)
        return {key: texts for key, texts in found.items() if key in wanted}

    def walk(self, rows: int = CHUNK) -> Iterator[dict[KeyText, str]]:
        """Hashes by key, chunk by chunk."""
        after: Row | None = None
        while True:
            found = self._control.chunk(self._relation, after, rows).rows
            yield {key: self._hash(texts) for key, texts in map(self._texts, found)}
            if len(found) < rows:
                return
            after = tuple(found[-1][index] for index in self._relation.key)

    def _row_key(self, key: KeyText) -> Row:
        """A key as this side's control takes it, in the order of this side's columns."""
        values = {
            self._column(pair).name: value_of(self._column(pair).kind, text)
            for pair, text in zip(self._plan.key, key, strict=True)
        }
        return tuple(values[self._relation.columns[index].name] for index in self._relation.key)

    def _hash(self, texts: Sequence[str | None]) -> str:
        forms = (pair.form for pair in self._plan.pairs)
        return digest(line(zip(forms, texts, strict=True)))

    def _column(self, pair: Pair) -> Any:
        raise NotImplementedError

    def _texts(self, row: Row) -> tuple[KeyText, tuple[str | None, ...]]:
        raise NotImplementedError


class TargetRows(RowSide):
    """The target's rows as they are."""

    def __init__(self, control: SourceControl, plan: Plan) -> None:
        super().__init__(control, plan, plan.target)

    def _column(self, pair: Pair) -> Any:
        return pair.target

    def _texts(self, row: Row) -> tuple[KeyText, tuple[str | None, ...]]:
        names = (column.name for column in self._relation.columns)
        return _written(self._plan, dict(zip(names, row, strict=True)))


class SourceRows(RowSide):
    """The source's rows as they would arrive."""

    def __init__(self, control: SourceControl, plan: Plan, mapping: TableMapping) -> None:
        super().__init__(control, plan, plan.source)
        self._mapping = mapping
        self._leaving = outgoing(plan.table, plan.source)

    def _column(self, pair: Pair) -> Any:
        return pair.source

    def _texts(self, row: Row) -> tuple[KeyText, tuple[str | None, ...]]:
        columns = self._relation.columns
        if self._leaving is None:
            left = {column.name: value for column, value in zip(columns, row, strict=True)}
        else:
            left = {
                columns[index].name: row[index] if mask is None else mask(row[index])
                for index, mask in self._leaving
            }
        key = {columns[index].name: row[index] for index in self._relation.key}
        try:
            arriving = self._mapping.target_row(left, self._mapping.target_key(key))
        except ValueError:
            # Such a row is parked: it has no place in the target, and a hash like no other's.
            arriving = self._mapping.target_key(key)
        return _written(self._plan, arriving)


def _written(plan: Plan, row: Mapping[str, Any]) -> tuple[KeyText, tuple[str | None, ...]]:
    texts = tuple(canonical(pair.form, row.get(pair.target.name)) for pair in plan.pairs)
    return texts[: len(plan.key)], texts
