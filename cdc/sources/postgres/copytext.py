"""Rows from the text of `COPY … TO STDOUT`, column by column.

A snapshot of a million rows spends its time here, so the work is laid out for C: one decode for the
whole chunk, one pass per column, and nothing at all for columns of plain text. Format: PostgreSQL's
documentation of COPY, "Text Format".
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from cdc.change import Kind, Relation, Row, Value
from cdc.sources.postgres.values import floating

_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_MEANT: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def rows_of(relation: Relation, data: bytes) -> list[Row]:
    """The rows of a whole answer, in the forms of docs/formats.md."""
    if not data:
        return []
    text = data.decode("utf-8", "surrogateescape")
    escaped = "\\" in text
    fields = zip(*[line.split("\t") for line in text.split("\n")[:-1]], strict=True)
    columns = [
        _column(column.kind, values, escaped=escaped)
        for column, values in zip(relation.columns, fields, strict=True)
    ]
    return list(zip(*columns, strict=True))


def _column(kind: Kind, values: Sequence[str], *, escaped: bool) -> Iterable[Value]:
    convert = _OF_TEXT.get(kind)
    if escaped and any("\\" in value for value in values):
        plain = [_unescaped(value) for value in values]
        if convert is None:
            return plain
        return [None if value is None else convert(value) for value in plain]
    return values if convert is None else map(convert, values)


def _unescaped(value: str) -> str | None:
    if "\\" not in value:
        return value
    if value == "\\N":
        return None
    return _ESCAPE.sub(lambda found: _MEANT.get(found[1], found[1]), value)


def _boolean(value: str) -> bool:
    return value == "t"


def _floating(value: str) -> Value:
    return floating(value.encode())


def _binary(value: str) -> str:
    return b64encode(bytes.fromhex(value[2:])).decode("ascii")


_OF_TEXT: Final[dict[Kind, Callable[[str], Value]]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: int,
    Kind.FLOAT: _floating,
    Kind.BINARY: _binary,
}
