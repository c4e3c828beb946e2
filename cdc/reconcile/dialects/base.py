# ruff: noqa: S608 - identifiers are quoted by the dialect, values are parameters
"""The statements that a comparison needs, over what each dialect writes in its own way.

A *segment* is what a statement looks at: rows after one key up to another, both in canonical texts,
or all rows. A *bucket* is a number that follows from the key alone, the same in every database.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from cdc.change import Column, Relation
from cdc.reconcile.forms import PREFIXED, Form

KeyText: TypeAlias = tuple[str | None, ...]
"""The canonical texts of a key's columns."""
Field: TypeAlias = tuple[Column, Form]
Statement: TypeAlias = tuple[str, list[Any]]

LOOK_UP_AT_ONCE = 500
"""Keys of one statement."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows whose key is greater than `after` and at most `last`; None for no bound."""

    after: KeyText | None = None
    last: KeyText | None = None


ALL = Segment()


@dataclass(frozen=True, slots=True)
class Selected:
    """One side of a table: its columns with their forms, in the order of the plan's pairs."""

    relation: Relation
    key: tuple[Field, ...]
    fields: tuple[Field, ...]
    """The key's and all others."""


class Dialect(Protocol):
    """What differs between databases. Expressions are SQL, made of quoted identifiers only."""

    mark: str
    """The placeholder of a parameter."""
    row_values: bool
    """Whether an index serves `(a, b) > (1, 2)`."""
    version: str | None
    """An expression that changes whenever a row is written; None where there is none."""

    def quote(self, name: str) -> str:
        """An identifier."""

    def table(self, relation: Relation) -> str:
        """A table's name."""

    def text(self, field: Field) -> str:
        """The canonical text of a column; NULL for NULL."""

    def concat(self, parts: Sequence[str]) -> str:
        """Texts one after the other; NULL counts as empty."""

    def octets(self, text: str) -> str:
        """The length of a text in bytes."""

    def short_hash(self, line: str) -> str:
        """The first 60 bits of a line's MD5 as an integer."""

    def total(self, numbers: str) -> str:
        """The exact sum of integers; NULL for none."""

    def hashed_rows(self, columns: str, source: str) -> str:
        """A derived table whose columns are computed once for each row."""

    def literal(self, field: Field, text: str) -> Statement | None:
        """SQL to compare a column with, and its parameters; None where no index may serve."""


class Statements:
    """Statements for one side of one table."""

    def __init__(self, dialect: Dialect, selected: Selected) -> None:
        self._dialect, self._selected = dialect, selected
        self._from = dialect.table(selected.relation)
        self._hash = dialect.short_hash(self._line(selected.fields))
        self._key = [dialect.text(field) for field in selected.key]
        self._columns = [dialect.quote(column.name) for column, _ in selected.key]

    def boundary(self, segment: Segment, rows: int) -> Statement:
        """The key of the last of the next `rows` rows; no row where fewer are left."""
        where = self._where(segment)
        order = ", ".join(self._columns)
        # With names of their own: ORDER BY would take a text of the same name for the column.
        keys = ", ".join(f"{text} AS strangler_{i}" for i, text in enumerate(self._key))
        return (
            f"SELECT {keys} FROM {self._from}{where}"
            f" ORDER BY {order} LIMIT 1 OFFSET {int(rows) - 1}",
            [],
        )

    def sums(self, segment: Segment, buckets: int) -> Statement:
        """Bucket, count and sum of hashes of each bucket that has rows."""
        where = self._where(segment)
        total = self._dialect.total("hashed")
        if buckets == 1:
            inner = self._dialect.hashed_rows(f"{self._hash} AS hashed", self._from + where)
            return f"SELECT 0, count(*), {total} FROM {inner} AS rowhashes", []
        columns = f"{self._bucket(buckets)} AS bucket, {self._hash} AS hashed"
        inner = self._dialect.hashed_rows(columns, self._from + where)
        return (
            f"SELECT bucket, count(*), {total} FROM {inner} AS rowhashes GROUP BY bucket",
            [],
        )

    def rows(self, segment: Segment, buckets: int, wanted: Sequence[int]) -> Statement:
        """Bucket, hash and key of each row of some buckets, bucket by bucket."""
        where = self._where(segment)
        bucket = self._bucket(buckets)
        listed = ", ".join(str(int(one)) for one in wanted)
        where += f"{' AND' if where else ' WHERE'} {bucket} IN ({listed})"
        return (
            f"SELECT {bucket} AS bucket, {self._hash} AS hashed, {', '.join(self._key)}"
            f" FROM {self._from}{where} ORDER BY 1",
            [],
        )

    def look_up(self, keys: Sequence[KeyText]) -> Statement:
        """Hash, version and key of the rows with these keys."""
        where, values = self._these(keys)
        version = self._dialect.version or "NULL"
        return (
            f"SELECT {self._hash}, {version}, {', '.join(self._key)} FROM {self._from}{where}",
            values,
        )

    def values(self, keys: Sequence[KeyText]) -> Statement:
        """The key, then the canonical text of each other column, of the rows with these keys."""
        where, values = self._these(keys)
        texts = ", ".join(self._dialect.text(field) for field in self._selected.fields)
        return f"SELECT {texts} FROM {self._from}{where}", values

    def _bucket(self, buckets: int) -> str:
        if buckets == 1:
            return "0"
        return f"mod({self._dialect.short_hash(self._line(self._selected.key))}, {int(buckets)})"

    def _line(self, fields: Sequence[Field]) -> str:
        """See `cdc.reconcile.canonical.line`."""
        parts: list[str] = []
        for field in fields:
            written = self._dialect.text(field)
            if field[1] in PREFIXED:
                parts += [self._dialect.octets(written), "':'"]
            parts += [written, "'|'"]
        return self._dialect.concat(parts)

    def _where(self, segment: Segment) -> str:
        bounds = ((segment.after, ">"), (segment.last, "<="))
        found = [self._compared(key, sign) for key, sign in bounds if key is not None]
        return " WHERE " + " AND ".join(found) if found else ""

    def _compared(self, key: KeyText, sign: str) -> str:
        """Keys before or after another. They are integers and UUIDs only, so they are literals."""
        values = [_plain_literal(field, text) for field, text in self._paired(key)]
        if self._dialect.row_values:
            return f"({', '.join(self._columns)}) {sign} ({', '.join(values)})"
        longer = []
        for count in range(len(values)):
            equal = [f"{self._columns[i]} = {values[i]}" for i in range(count)]
            exact = sign if count == len(values) - 1 else sign[0]
            longer.append(" AND ".join([*equal, f"{self._columns[count]} {exact} {values[count]}"]))
        # The first condition is what an index is entered by.
        return f"({self._columns[0]} {sign[0]}= {values[0]} AND ({' OR '.join(longer)}))"

    def _these(self, keys: Sequence[KeyText]) -> Statement:
        conditions, values = [], []
        for key in keys:
            parts = []
            for place, (field, text) in enumerate(self._paired(key)):
                sql, value = self._equal(place, field, text)
                parts.append(sql)
                values += value
            conditions.append(f"({' AND '.join(parts)})")
        return " WHERE " + " OR ".join(conditions), values

    def _equal(self, place: int, field: Field, text: str | None) -> tuple[str, list[Any]]:
        if text is None:
            return f"{self._columns[place]} IS NULL", []
        given = self._dialect.literal(field, text)
        if given is not None:
            return f"{self._columns[place]} = {given[0]}", given[1]
        return f"{self._key[place]} = {self._dialect.mark}", [text]

    def _paired(self, key: KeyText) -> Iterator[tuple[Field, str | None]]:
        return zip(self._selected.key, key, strict=True)


def _plain_literal(field: Field, text: str | None) -> str:
    if field[1] is Form.UUID:
        return f"'{uuid.UUID(text)}'"
    return str(int(text or ""))
