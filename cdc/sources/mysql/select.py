"""Tables as ordinary sessions see them, in the very values that the log has for the same rows.

Whatever a SELECT would turn into something else is asked for in a form that keeps it: text as its
bytes in the column's own character set (so that the log's decoder reads it), FLOAT as DOUBLE (a
FLOAT is shown with six digits), BIT by its digits. Pure: SQL out, the driver's values in.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from cdc.change import Column, Kind, Relation, Row, Value
from cdc.sources.mysql.charsets import decoder
from cdc.sources.mysql.temporal import trimmed
from cdc.sources.mysql.values import single

Escape: TypeAlias = Callable[[Any], str]
"""Makes a literal of a value: the session's own means."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A column as information_schema lists it."""

    name: str
    data_type: str
    column_type: str
    charset: str | None
    key: bool


_KINDS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year"), Kind.INTEGER),
    **dict.fromkeys(("float", "double"), Kind.FLOAT),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), Kind.TEXT),
    **dict.fromkeys(
        (
            "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry",
            "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
            "geometrycollection", "geomcollection",
        ),
        Kind.BINARY,
    ),
    "decimal": Kind.DECIMAL, "date": Kind.DATE, "time": Kind.TIME, "datetime": Kind.TIMESTAMP,
    "timestamp": Kind.TIMESTAMPTZ, "json": Kind.JSON,
    **dict.fromkeys(("bit", "enum", "set", "inet4", "inet6"), Kind.OTHER), "uuid": Kind.UUID,
}  # fmt: skip
_SPATIAL = {name for name in _KINDS if name.endswith(("point", "string", "polygon", "tion", "try"))}


class UnreadableError(Exception):
    """A column of a type that is not read; the message names it."""


def column(listed: Listed) -> Column:
    """A column with the kind that the log's reader gives it. Raises `UnreadableError`."""
    kind = _KINDS.get(listed.data_type)
    if kind is None or "COMPRESSED" in listed.column_type:
        raise UnreadableError(
            f"column {listed.name} has the type {listed.column_type}, which is not read from the"
            " log; change its type, or leave the table out of the stream"
        )
    of = listed.column_type.replace(" zerofill", "")
    if kind is Kind.INTEGER:  # the width for display says nothing, and the log has none
        of = listed.data_type + (" unsigned" if "unsigned" in of else "")
    return Column(listed.name, kind, of, listed.key)


def quoted(name: str) -> str:
    """An identifier in backquotes."""
    return "`" + name.replace("`", "``") + "`"


@dataclass(frozen=True, slots=True)
class Cell:
    """How one column is asked for, understood, and compared with."""

    expression: str
    read: Callable[[Any], Value]
    order: str
    """What rows are ordered by and compared with, where it is part of the key."""
    literal: Callable[[Value, Escape], str]


def cell(listed: Listed) -> Cell:
    """The cell of a column."""
    name, of = quoted(listed.name), listed.data_type
    kind = _KINDS[of]
    if kind in _SIMPLE:
        read, literal = _SIMPLE[kind]
        return Cell(name, read, name, literal)
    match of:
        case "float":
            return Cell(f"CAST({name} AS DOUBLE)", _single, name, _single_literal)
        case "double":
            return Cell(name, float, name, _number)
        case "year":
            return Cell(name, int, f"{name} + 0", _number)
        case "uuid" | "inet4" | "inet6":
            return Cell(name, str, name, _text)
        case "json":
            return Cell(f"CAST({name} AS CHAR)", str, name, _text)
        case "bit":
            width = listed.column_type[4:-1]
            return Cell(f"LPAD(BIN({name} + 0), {width}, '0')", str, f"{name} + 0", _bit_literal)
    if kind is Kind.INTEGER:
        return Cell(name, int, name, _number)
    if kind is Kind.BINARY:
        asked = f"CAST({name} AS BINARY)" if of in _SPATIAL else name
        return Cell(asked, _base64, name, _binary_literal)
    return _text_cell(name, listed)


def _text_cell(name: str, listed: Listed) -> Cell:
    decode = decoder("latin1" if listed.charset in {None, "binary"} else str(listed.charset))
    binary = f"CAST({name} AS BINARY)"
    if listed.data_type in {"enum", "set"}:
        # Sorted by their number and compared by their name: so both by the bytes of the name.
        text = f"CAST({name} AS CHAR CHARACTER SET utf8mb4) COLLATE utf8mb4_bin"
        return Cell(binary, decode, text, _text)
    return Cell(binary, decode, name, _text)


def _single(value: Any) -> float:
    return single(struct.pack("<f", float(value)))


def _decimal(value: Any) -> str:
    """Without the zeros in front that ZEROFILL shows."""
    text = str(value)
    sign, digits = ("-", text[1:]) if text[0] == "-" else ("", text)
    digits = digits.lstrip("0")
    return sign + (digits if digits[:1].isdigit() else "0" + digits)


def _base64(value: Any) -> str:
    data = value if isinstance(value, bytes) else str(value).encode("latin-1")
    return base64.b64encode(data).decode("ascii")


def _number(value: Value, _escape: Escape) -> str:
    return repr(value)


def _single_literal(value: Value, _escape: Escape) -> str:
    """All digits of the FLOAT: the short form is another number when it is compared."""
    return str(struct.unpack("<f", struct.pack("<f", value))[0])


def _decimal_literal(value: Value, escape: Escape) -> str:
    """As a number: in quotes it would be compared as a DOUBLE."""
    return str(escape(Decimal(str(value))))


def _binary_literal(value: Value, escape: Escape) -> str:
    return escape(base64.b64decode(str(value)))


def _utc_literal(value: Value, escape: Escape) -> str:
    return escape(str(value).removesuffix("+00"))


def _bit_literal(value: Value, _escape: Escape) -> str:
    return str(int(str(value), 2))


def _text(value: Value, escape: Escape) -> str:
    return escape(str(value))


def _zoned(value: Any) -> str:
    return trimmed(value) + "+00"


_SIMPLE: dict[Kind, tuple[Callable[[Any], Value], Callable[[Value, Escape], str]]] = {
    Kind.DECIMAL: (_decimal, _decimal_literal),
    Kind.DATE: (str, _text),
    Kind.TIME: (trimmed, _text),
    Kind.TIMESTAMP: (trimmed, _text),
    Kind.TIMESTAMPTZ: (_zoned, _utc_literal),
}
"""Kinds that are asked for, and compared, as they are."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The statements that read one table."""

    relation: Relation
    cells: tuple[Cell, ...]

    def chunk(self, after: Row | None, limit: int, where: str | None, escape: Escape) -> str:
        """Rows in the order of the key, after a key's values."""
        conditions = [f"({where})"] if where else []
        if after is not None:
            conditions.append(self._greater(after, escape))
        narrowed = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        order = ", ".join(self.cells[index].order for index in self.relation.key)
        return f"{self._select()}{narrowed} ORDER BY {order} LIMIT {int(limit)}"

    def rows(self, keys: Sequence[Row], escape: Escape) -> str:
        """The rows with some keys."""
        wanted = (self._equal(key, len(key), escape) for key in keys)
        return f"{self._select()} WHERE {' OR '.join(f'({one})' for one in wanted)}"

    def read(self, found: Sequence[Any]) -> Row:
        """A row of the answer."""
        return tuple(
            None if value is None else cell.read(value)
            for cell, value in zip(self.cells, found, strict=True)
        )

    def _select(self) -> str:
        asked = ", ".join(cell.expression for cell in self.cells)
        # Aliases keep the server from shortening an expression's name with a warning.
        table = f"{quoted(self.relation.schema)}.{quoted(self.relation.name)}"
        return f"SELECT {asked} FROM {table}"  # noqa: S608 - quoted identifiers only

    def _greater(self, key: Row, escape: Escape) -> str:
        """Key columns greater than a key, in a form that an index serves.

        A comparison of row constructors would be shorter, and neither server uses an index for it.
        """
        first = self.cells[self.relation.key[0]]
        at_least = f"{first.order} >= {first.literal(key[0], escape)}"
        longer = []
        for count in range(len(key)):
            part = self.cells[self.relation.key[count]]
            greater = f"{part.order} > {part.literal(key[count], escape)}"
            equal = self._equal(key, count, escape)
            longer.append(f"({equal} AND {greater})" if equal else greater)
        return f"{at_least} AND ({' OR '.join(longer)})"

    def _equal(self, key: Row, count: int, escape: Escape) -> str:
        """The first `count` key columns equal to a key's."""
        parts = [self.cells[index] for index in self.relation.key[:count]]
        return " AND ".join(
            f"{part.order} = {part.literal(value, escape)}"
            for part, value in zip(parts, key, strict=False)
        )


def plan(relation: Relation, listed: Mapping[str, Listed]) -> Plan:
    """The plan of a relation, with the columns that the table has now."""
    return Plan(relation, tuple(cell(listed[column.name]) for column in relation.columns))
