"""The statements of a batch: which rows go into the same one, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from cdc.applier.collapse import Outcome, Put
from cdc.applier.ports import Row, Stopped, TargetTable
from cdc.applier.records import Item
from cdc.config.model import UnknownColumns


class Verb(Enum):
    """What a statement does."""

    DELETE = "delete"
    UPSERT = "upsert"
    UPDATE = "update"


@dataclass(slots=True)
class Work:
    """One key of a batch: its changes, and what becomes of the row."""

    table: TargetTable
    items: list[Item]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Statement:
    """Rows of one table that are written alike."""

    verb: Verb
    table: TargetTable
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: list[Row]


_Group: TypeAlias = dict[tuple[tuple[str, ...], tuple[str, ...]], list[Row]]


class Shaper:
    """Which columns of a row are written, by the columns that it has; looked up once for each."""

    def __init__(self, policy: UnknownColumns) -> None:
        self._policy = policy
        self._known: dict[tuple[int, tuple[str, ...]], tuple[str, ...]] = {}
        self.ignored: set[str] = set()
        """`table.column` of what the target lacks and is left out."""

    def columns(self, table: TargetTable, row: Row) -> tuple[str, ...]:
        """The columns to write. Raises `Stopped` for one that the target lacks, by the policy."""
        names = tuple(row)
        shape = (id(table), names)
        if shape not in self._known:
            self._known[shape] = self._fit(table, names)
        return self._known[shape]

    def _fit(self, table: TargetTable, names: Sequence[str]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in table.columns]
        if unknown and self._policy is UnknownColumns.STOP:
            columns = ", ".join(unknown)
            raise Stopped(
                f"the target's table {table.name} lacks {columns}: add it, exclude it from the "
                "stream, or set `unknown_columns: ignore`"
            )
        self.ignored |= {f"{table.name}.{name}" for name in unknown}
        return tuple(
            name
            for name in names
            if (column := table.columns.get(name)) is not None and not column.generated
        )


def statements(works: Iterable[Work], shaper: Shaper) -> Iterator[Statement]:
    """The statements that bring the works about, in an order that foreign keys allow.

    Rows go before their parents and come after them. Where tables refer to each other in a ring
    any order may fail; then the works are done one by one.
    """
    by_table: dict[int, list[Work]] = {}
    for work in works:
        by_table.setdefault(id(work.table), []).append(work)
    ordered = parents_first([group[0].table for group in by_table.values()])
    for table in reversed(ordered):
        yield from _deletes(table, by_table[id(table)])
    for table in ordered:
        yield from _puts(table, by_table[id(table)], shaper)


def _deletes(table: TargetTable, works: Sequence[Work]) -> Iterator[Statement]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for work in works:
        outcome = work.outcome
        if not isinstance(outcome, Put) or outcome.fresh:
            key: Mapping[str, Any] = getattr(outcome, "key")  # noqa: B009 - never Broken here
            groups.setdefault(tuple(key), []).append(key)
    for names, rows in groups.items():
        yield Statement(Verb.DELETE, table, names, names, rows)


def _puts(table: TargetTable, works: Sequence[Work], shaper: Shaper) -> Iterator[Statement]:
    groups: dict[Verb, _Group] = {Verb.UPSERT: {}, Verb.UPDATE: {}}
    for work in works:
        put = work.outcome
        if isinstance(put, Put):
            verb = Verb.UPSERT if put.whole else Verb.UPDATE
            shape = (tuple(put.key), shaper.columns(table, put.row))
            groups[verb].setdefault(shape, []).append(put.row)
    for verb, group in groups.items():
        for (key, columns), rows in group.items():
            yield Statement(verb, table, key, columns, rows)


def parents_first(tables: Sequence[TargetTable]) -> list[TargetTable]:
    """The tables, each after those that its foreign keys refer to (rings as they come)."""
    left = {table.identity: table for table in tables}
    ordered: list[TargetTable] = []
    while left:
        free = [t for t in left.values() if not (t.parents - {t.identity}) & left.keys()]
        ordered += free or [next(iter(left.values()))]
        left = {table.identity: table for table in left.values() if table not in ordered}
    return ordered
