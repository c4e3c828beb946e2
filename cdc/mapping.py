"""What becomes of a table's rows on their way: which columns leave, and how they arrive.

The relay asks `outgoing`, once for each shape of a table: what it does not name never leaves the
source's host. The applier asks a `TableMapping` for each row. Both are compiled beforehand, and do
nothing at all for a table that is copied as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from cdc.change import Column, Relation
from cdc.config.model import Stream, TableSync
from cdc.envelope import Outgoing
from cdc.masking import Transform, masked

Row: TypeAlias = dict[str, Any]
"""Values in the JSON forms of docs/formats.md, by column."""
Convert: TypeAlias = Callable[[Row], Row]
Resolve: TypeAlias = Callable[[str], Convert]
"""Finds a function by its dotted name: `cdc.functions.load`."""


class MappingError(Exception):
    """What the file says of a table does not fit the table; says what to write instead."""


def outgoings(stream: Stream) -> dict[str, Callable[[Relation], Outgoing | None]]:
    """`outgoing` for each table of a stream, by the source's table: what the relay needs."""
    return {table.table: partial(outgoing, table) for table in stream.tables}


def mappings(stream: Stream, resolve: Resolve) -> dict[str, TableMapping]:
    """The mapping of each table of a stream, by the source's table: what the applier needs.

    Raises what `resolve` raises for a function that is not there.
    """
    return {
        table.table: TableMapping(
            table, resolve(table.convert) if table.convert else None, reverse=stream.reverse
        )
        for table in stream.tables
    }


def outgoing(table: TableSync, relation: Relation) -> Outgoing | None:
    """The columns that leave, by index, each with what masks it; None when all leave as they are.

    Raises `MappingError`, rather than let something leave in the clear that was meant not to.
    """
    problems = list(_unfit(table, relation))
    if problems:
        raise MappingError("; ".join(problems))
    result = [
        (index, _transform(table, column))
        for index, column in enumerate(relation.columns)
        if _leaves(table, column)
    ]
    as_they_are = len(result) == len(relation.columns) and all(each is None for _, each in result)
    return None if as_they_are else result


def _leaves(table: TableSync, column: Column) -> bool:
    if table.include:
        return column.key or column.name in table.include
    return column.name not in table.exclude


def _transform(table: TableSync, column: Column) -> Transform | None:
    mask = table.mask.get(column.name)
    if mask is None:
        return None
    try:
        return masked(mask, column)
    except ValueError as error:
        raise MappingError(f"the mask of `{table.table}.{column.name}`: {error}") from None


def _unfit(table: TableSync, relation: Relation) -> Iterator[str]:
    """What must be mended in the file before a row may leave."""
    names = {column.name for column in relation.columns}
    hidden = {*table.mask, *table.exclude}
    for name in sorted(hidden - names) if not table.include else ():
        yield (
            f"`{table.table}` has no column `{name}`, which was not to leave in the clear: it may"
            " have another name now; write that, or list what may leave under `include`"
        )
    for column in relation.columns:
        if column.key and column.name in hidden:
            yield (
                f"`{table.table}.{column.name}` is part of the key, which leaves as it is: take it"
                " out of `mask` and `exclude`, or name another key under `key`"
            )
    into: dict[str, str] = {}
    for column in relation.columns:
        if _leaves(table, column):
            name = table.columns.get(column.name, column.name)
            other = into.setdefault(name, column.name)
            if other != column.name:
                yield (
                    f"`{other}` and `{column.name}` of `{table.table}` would both become"
                    f" `{name}`: give one of them another name under `columns`"
                )


class TableMapping:
    """How the rows of one table arrive in the target.

    Forward, columns get their new names and then `convert` sees the row. Backward it is the other
    way round, so that what `convert` made is undone before the names are.
    """

    __slots__ = ("_convert", "_function", "_names", "_reverse")

    def __init__(self, table: TableSync, convert: Convert | None, *, reverse: bool = False) -> None:
        """`convert` is the function that the table names; `reverse` is the stream's."""
        self._names: Mapping[str, str] = dict(table.columns)
        self._convert, self._function, self._reverse = convert, table.convert, reverse

    def target_row(self, row: Row, key: Mapping[str, Any] | None = None) -> Row:
        """A row, or part of one, by target column.

        `key` is what `target_key` gave for it: a conversion must keep that. Raises `ValueError`
        for a row that has no place in the target.
        """
        if self._convert is None:
            return self._renamed(row)
        if self._reverse:
            converted = self._renamed(self._converted(row))
        else:
            converted = self._converted(self._renamed(row))
        for name, value in (key or {}).items():
            if name not in converted or converted[name] != value:
                raise ValueError(f"`{self._function}` changed `{name}`, which is part of the key")
        return converted

    def target_key(self, key: Row) -> Row:
        """A key by target column: never converted, as a delete brings nothing else."""
        return self._renamed(key)

    def _renamed(self, row: Row) -> Row:
        names = self._names
        if not names:
            return row
        renamed = {names.get(name, name): value for name, value in row.items()}
        if len(renamed) != len(row):
            raise ValueError("two of its columns have the same name in the target")
        return renamed

    def _converted(self, row: Row) -> Row:
        assert self._convert is not None
        try:
            converted: object = self._convert(dict(row))
        except ValueError:
            raise
        except Exception as error:  # somebody else's function, which may raise anything
            raise ValueError(f"`{self._function}` raised {type(error).__name__}") from error
        if not isinstance(converted, dict):
            raise ValueError(f"`{self._function}` returned no dict")  # noqa: TRY004 - of the row
        return converted
