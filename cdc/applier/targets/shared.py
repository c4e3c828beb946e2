"""What all targets do alike: names, and sentences about what a column cannot hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cdc.applier.ports import TargetColumn, TargetTable


def identifiers(table: str) -> tuple[str, ...]:
    """`schema.table` as its parts; a name without a dot is left to the default schema."""
    return tuple(table.split(".", 1))


def key_missing(table: TargetTable, key: Sequence[str]) -> str | None:
    """What to say where no unique index stands for the stream's key; None where one does."""
    if frozenset(key) in table.unique:
        return None
    columns = ", ".join(key)
    return (
        f"the target's table {table.name} has no unique index on ({columns}), which the stream's "
        "rows are told apart by: make that its primary key, or add the index"
    )


def unfit(table: TargetTable, column: TargetColumn, value: Any) -> str:
    """A sentence that names the column and the kind of value, never the value."""
    return f"{table.name}.{column.name} ({column.type}) cannot hold {kind_of(value)}"


def kind_of(value: Any) -> str:
    """A value's kind for people."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "a boolean"
        case int() | float():
            return "this number"
        case str() if value.startswith("0000-00-00"):
            return "a zero date"
        case "NaN" | "Infinity" | "-Infinity" | "infinity" | "-infinity":
            return str(value)
        case str() if "\0" in value:
            return "a text with a zero byte"
        case _:
            return f"this text of {len(str(value))} characters"


def partial_missing(table: TargetTable) -> str:
    """Why a change of part of a row is parked."""
    return f"{table.name}: a change of part of a row, and the row is not in the target"
