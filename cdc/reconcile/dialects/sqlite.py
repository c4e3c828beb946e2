# ruff: noqa: S608 - identifiers are quoted, values are parameters
"""Canonical texts and statements in SQLite's SQL.

SQLite runs in this process, and has neither MD5 nor exact sums nor one type for a column: functions
of `cdc.reconcile.canonical` stand in for them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from cdc.change import Kind, Relation
from cdc.reconcile.canonical import canonical, short_hash
from cdc.reconcile.dialects.base import Field, Statement
from cdc.reconcile.forms import Form
from cdc.sources.sqlite.connect import connect, file_of, translated
from cdc.sources.sqlite.values import kind_of, reader


class SqliteDialect:
    """See `cdc.reconcile.dialects.base.Dialect`."""

    mark = "?"
    row_values = True
    version: str | None = None

    def quote(self, name: str) -> str:
        """An identifier."""
        return '"' + name.replace('"', '""') + '"'

    def table(self, relation: Relation) -> str:
        """By its name."""
        return self.quote(relation.name)

    def text(self, field: Field) -> str:
        """Through Python where SQLite's own text is not the canonical one."""
        column, form = field
        name = self.quote(column.name)
        called = f"strangler_text('{form.value}', '{kind_of(column.type).value}', {name})"
        match form, column.kind:
            case ((Form.INTEGER | Form.DECIMAL), Kind.INTEGER):
                return _native(name, "integer", f"CAST({name} AS TEXT)", called)
            case Form.TEXT, Kind.TEXT:
                return _native(name, "text", name, called)
        return called

    def concat(self, parts: Sequence[str]) -> str:
        """NULL would make the whole NULL."""
        return " || ".join(part if part[0] == "'" else f"ifnull({part}, '')" for part in parts)

    def octets(self, text: str) -> str:
        """Of UTF-8."""
        return f"length(CAST({text} AS BLOB))"

    def short_hash(self, line: str) -> str:
        """Bytes go in, as they may be no UTF-8."""
        return f"strangler_hash(CAST({line} AS BLOB))"

    def total(self, numbers: str) -> str:
        """Without the overflow of `sum`."""
        return f"strangler_sum({numbers})"

    def hashed_rows(self, columns: str, source: str) -> str:
        """A subquery; each of its columns is used once."""
        return f"(SELECT {columns} FROM {source})"

    def literal(self, field: Field, text: str) -> Statement | None:
        """What is stored as it is compared."""
        column, form = field
        match form, column.kind:
            case Form.INTEGER, Kind.INTEGER if len(text) < 19 and text[:1] != "?":
                return "?", [int(text)]
            case Form.TEXT, Kind.TEXT:
                return "?", [text]
        return None


def _native(name: str, stored: str, text: str, called: str) -> str:
    """Without a call of Python where a value is stored as its column's type says."""
    return (
        f"CASE typeof({name}) WHEN '{stored}' THEN {text} WHEN 'null' THEN NULL ELSE {called} END"
    )


class _Sum:
    """An aggregate: as text, since SQLite has no integers of that size."""

    def __init__(self) -> None:
        self._total = 0

    def step(self, *numbers: int | None) -> None:
        self._total += numbers[0] or 0

    def finalize(self) -> str:
        return str(self._total)


def _text(form: str, kind: str, raw: Any) -> str | None:
    if isinstance(raw, bytes) and kind not in {Kind.BINARY, Kind.OTHER}:
        return "?" + raw.hex()
    return canonical(Form(form), reader(Kind(kind))(raw))


class SqliteSession:
    """One connection, used by one thread at a time."""

    def __init__(self, url: str, seconds: float) -> None:
        """Statements are interrupted after `seconds`. Raises `SourceError`."""
        self._path, self._seconds = file_of(url), seconds
        self._connection = connect(self._path)
        create = self._connection.create_function
        create("strangler_text", 3, _text, deterministic=True)
        create("strangler_hash", 1, short_hash, deterministic=True)
        create("mod", 2, lambda number, by: number % by, deterministic=True)
        self._connection.create_aggregate("strangler_sum", 1, _Sum)  # type: ignore[arg-type]

    def query(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        return list(self.stream(statement, values))

    def stream(self, statement: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """The rows one by one."""
        with translated(self._path), closing(self._connection.cursor()) as cursor:
            guard = threading.Timer(self._seconds, self._connection.interrupt)
            guard.daemon = True
            guard.start()
            try:
                yield from cursor.execute(statement, tuple(values))
            finally:
                guard.cancel()

    def cancel(self) -> None:
        """SQLite's own interrupt."""
        self._connection.interrupt()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
