"""The stream's tables in the log: which they are, their shapes, and messages of their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TypeAlias

from cdc.change import Row
from cdc.sources.mysql import messages, rows
from cdc.sources.mysql.charsets import CharsetError, Charsets
from cdc.sources.mysql.fields import MetadataError, TableMap, names, table_map
from cdc.sources.mysql.messages import Message
from cdc.sources.mysql.steps import LogError, Step
from cdc.sources.mysql.values import ValueTypeError
from cdc.sources.mysql.wire import Type

ORIGIN_TABLE = "strangler_applied"
"""Whose row, if a transaction begins with it, says which stream's applier wrote the rest."""
_SHAPES_AT_MOST = 1000


Natives: TypeAlias = Callable[[str, str], Mapping[str, str]]
"""Asks for a table's columns of the types `uuid`, `inet6` and `inet4`."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the log belongs to a stream."""

    database: str
    tables: Mapping[tuple[str, str], tuple[str, tuple[str, ...]]]
    """By schema and name: the table as the stream names it, and its key's columns if it names
    them."""
    charsets: Charsets
    mariadb: bool
    origins: bool = False
    """Whether to look for `ORIGIN_TABLE`: where an opposite stream may write."""
    fold: bool = False
    """Whether the server takes names of tables without regard to case."""

    def folded(self, schema: str, name: str) -> tuple[str, str]:
        """A table's name as it is looked up."""
        return (schema.lower(), name.lower()) if self.fold else (schema, name)

    def captured(self, schema: str, name: str) -> tuple[str, tuple[str, ...]] | None:
        """The stream's name of a table and its key; None where it is none of the stream's."""
        return self.tables.get(self.folded(schema, name))

    def tells_origin(self, schema: str, name: str) -> bool:
        """Whether it is the table that says who wrote a transaction."""
        return self.origins and (schema, name) == (self.database, ORIGIN_TABLE)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the stream in one shape."""

    number: int
    name: str
    shape: rows.Shape
    origin: bool

    def changes(self, step: Step) -> Iterator[tuple[str, Row | None, Row | None]]:
        """Operation, old and new row of each row of an event. Raises `LogError`."""
        op = rows.OPS[Type(step.type)]
        at = rows.start(step.type, step.data)
        try:
            for before, after in self.shape.changes(step.type, step.data, at):
                yield op, before, after
        except rows.PartialImageError:
            raise LogError(
                f"holds rows of {self.name} with some of their columns only: a session has set"
                " binlog_row_image to MINIMAL or NOBLOB. Set it to FULL there and globally, and"
                " take a new snapshot"
            ) from None
        except (rows.LayoutError, IndexError) as error:
            raise LogError(
                f"holds rows of {self.name} that cannot be read: some column has a layout that"
                " this program does not know (temporal columns from before 5.6, perhaps: ALTER"
                " TABLE … FORCE rewrites them, and then take a new snapshot)"
            ) from error


@dataclass(slots=True)
class Tables:
    """The tables that the log has named so far. Each new shape is told to `emit`."""

    scope: Scope
    emit: Callable[[Message], None]
    natives: Natives
    _by_number: dict[int, Table | None] = field(default_factory=dict)
    _shapes: dict[bytes, Table] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def apart(self) -> Tables:
        """The same shapes for another reading of the log, where numbers stand for other tables."""
        return Tables(self.scope, self.emit, self.natives, {}, self._shapes, self._numbers)

    def renew(self) -> None:
        """A schema may have changed, and a type of MariaDB's own with it: ask again."""
        self._shapes.clear()

    def learn(self, data: bytes) -> None:
        """A TABLE_MAP event: from now on its number stands for this table in this shape."""
        number = rows.table_id(data)
        # All that comes after the number is the same for the same shape.
        known = self._shapes.get(data[8:])
        self._by_number[number] = known or self._new(data)

    def of(self, step: Step) -> Table | None:
        """The table of a ROWS event; None where it is none of the stream's."""
        return self._by_number.get(rows.table_id(step.data))

    def _new(self, data: bytes) -> Table | None:
        schema, name = names(data)
        origin = self.scope.tells_origin(schema, name)
        known = (ORIGIN_TABLE, ()) if origin else self.scope.captured(schema, name)
        if known is None:
            return None
        try:
            described = self._with_natives(table_map(data, mariadb=self.scope.mariadb))
            shape = rows.Shape(described, self.scope.charsets, known[1])
        except (MetadataError, ValueTypeError, CharsetError) as error:
            raise LogError(f"holds rows of {schema}.{name}: {error}") from error
        if len(self._shapes) >= _SHAPES_AT_MOST:
            self._shapes.clear()
        table = self._shapes[data[8:]] = Table(next(self._numbers), known[0], shape, origin)
        columns = tuple((c.name, c.kind, c.type, c.key) for c in shape.columns)
        self.emit((messages.SHAPE, table.number, table.name, schema, name, columns))
        return table

    def _with_natives(self, table: TableMap) -> TableMap:
        """The table with MariaDB's types of its own, which only its present schema knows."""
        if not self.scope.mariadb or not any(field.may_be_native for field in table.fields):
            return table
        natives = self.natives(table.schema, table.name)
        return replace(
            table,
            fields=tuple(
                replace(field, native=natives.get(field.name, "")) if field.may_be_native else field
                for field in table.fields
            ),
        )
