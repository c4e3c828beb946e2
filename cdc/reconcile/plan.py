"""What is compared of a table: pairs of columns with their forms, and what is left out. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cdc.change import Column, Kind, Relation
from cdc.config.model import TableSync
from cdc.reconcile.forms import POSTGRES, Form, form_of


class ReconcileError(Exception):
    """Nothing can be compared, or it was given up; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A column of the source and the one of the target it is copied into."""

    source: Column
    target: Column
    form: Form


@dataclass(frozen=True, slots=True)
class Plan:
    """How one table is compared."""

    table: TableSync
    source: Relation
    target: Relation
    key: tuple[Pair, ...]
    """In the order of the source's key."""
    rest: tuple[Pair, ...]
    """The other columns that are compared."""
    python: str | None
    """Why rows have to be compared in Python; None where the databases can do it."""
    left_out: tuple[tuple[str, str], ...]
    """Columns that are not compared, and why."""

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All pairs: what a row's hash is made of."""
        return self.key + self.rest


def plan(table: TableSync, source: Relation, target: Relation, databases: tuple[str, str]) -> Plan:
    """The plan of a table; `databases` are the source's and the target's. Raises `ReconcileError`.

    `target` is the relation whose key is the stream's, in the target's names.
    """
    there = {column.name: column for column in target.columns}
    key = tuple(_key_pair(table, source.columns[index], there, databases) for index in source.key)
    if table.convert:
        rest = tuple(_alone(column, databases[1]) for column in target.columns if not column.key)
        converted = f"rows are converted by `{table.convert}`, which no SQL can do"
        return Plan(table, source, target, key, rest, converted, ())
    left_out = tuple(_left_out(table, source, there))
    skipped = {name for name, _ in left_out}
    found = [
        (column, there[_renamed(table, column)])
        for column in source.columns
        if not column.key and column.name not in skipped
    ]
    forms = [form_of(ours, theirs, databases) for ours, theirs in found]
    lost = [ours.name for (ours, _), form in zip(found, forms, strict=True) if form is None]
    rest = tuple(
        Pair(ours, theirs, form or Form.JSONB)
        for (ours, theirs), form in zip(found, forms, strict=True)
    )
    reason = f"JSON is written differently on both sides: {', '.join(lost)}" if lost else None
    return Plan(table, source, target, key, rest, reason, left_out)


def _key_pair(
    table: TableSync, column: Column, there: dict[str, Column], databases: tuple[str, str]
) -> Pair:
    name = _renamed(table, column)
    if name not in there:
        raise ReconcileError(
            f"the target's table {table.to} has no column {name}, which is part of the key of"
            f" {table.table}: add it, or name it under `columns`"
        )
    form = form_of(column, there[name], databases, key=True)
    return Pair(column, there[name], form or Form.TEXT)


def _alone(column: Column, database: str) -> Pair:
    """A column that a conversion makes: the target says what it holds."""
    return Pair(column, column, form_of(column, column, (database, database)) or Form.JSONB)


def _renamed(table: TableSync, column: Column) -> str:
    return table.columns.get(column.name, column.name)


def _left_out(
    table: TableSync, source: Relation, there: dict[str, Column]
) -> Iterator[tuple[str, str]]:
    for column in source.columns:
        if column.key:
            continue
        if column.name in table.exclude or (table.include and column.name not in table.include):
            yield column.name, "it does not leave the source"
        elif column.name in table.mask:
            yield column.name, "it is masked on its way"
        elif _renamed(table, column) not in there:
            yield column.name, f"{table.to} has no column {_renamed(table, column)}"
    arriving = {_renamed(table, column) for column in source.columns}
    for name in sorted(there.keys() - arriving):
        yield name, "only the target has it"


def ordered(plan: Plan, databases: tuple[str, str]) -> bool:
    """Whether both databases sort the key's values alike, so that ranges of it can be compared.

    Integers do everywhere. Texts do not: collations differ between databases, servers and
    versions of a library; those tables are compared by buckets of the key's hash instead.
    """
    both_postgres = set(databases) == {POSTGRES}
    return all(
        {pair.source.kind, pair.target.kind} == {Kind.INTEGER}
        or (both_postgres and {pair.source.kind, pair.target.kind} == {Kind.UUID})
        for pair in plan.key
    )
