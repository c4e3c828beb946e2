"""Values as parameters: from their JSON forms to what a driver takes. Pure.

Driven by the target's column, not by the source's: the same text is bytes for a binary column and a
text for any other.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from cdc.applier.ports import Form, Row, TargetColumn, TargetTable
from cdc.applier.targets.shared import unfit


class UnfitError(Exception):
    """A value that a column cannot hold; the message is the sentence for people."""


def parameters(
    table: TargetTable, columns: Sequence[str], rows: Sequence[Row]
) -> list[tuple[Any, ...]]:
    """The rows as tuples of parameters. Raises `UnfitError`."""
    shapes = [table.columns[name] for name in columns]
    return [tuple(_value(table, shape, row[shape.name]) for shape in shapes) for row in rows]


def _value(table: TargetTable, column: TargetColumn, value: Any) -> Any:
    if value.__class__ is bool:
        return int(value)
    if not isinstance(value, str):
        return value
    if column.form is Form.BYTES:
        return _bytes(table, column, value)
    if column.form is Form.MOMENT:
        return value.removesuffix("+00")
    if column.form is Form.BITS:
        return _bits(table, column, value)
    if column.form is Form.REAL and value in {"Infinity", "-Infinity"}:
        return float(value)
    return value


def _bits(table: TargetTable, column: TargetColumn, value: str) -> int:
    try:
        return int(value, 2)
    except ValueError:
        raise UnfitError(unfit(table, column, value)) from None


def _bytes(table: TargetTable, column: TargetColumn, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise UnfitError(unfit(table, column, value)) from None
