# ruff: noqa: S608 - identifiers are quoted, values are parameters
"""Canonical texts and statements in PostgreSQL's SQL, 13 and later.

The session's settings are those of the source's sessions (`cdc.sources.postgres.values`): values
are written as the relay writes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg

from cdc.change import Kind, Relation
from cdc.reconcile.canonical import GREATEST_SINGLE, LEAST_SINGLE
from cdc.reconcile.dialects.base import Field, Statement
from cdc.reconcile.forms import Form
from cdc.relay.ports import SourceError
from cdc.sources.postgres.session import connect


class PostgresDialect:
    """See `cdc.reconcile.dialects.base.Dialect`."""

    mark = "%s"
    row_values = True
    version: str | None = "xmin::text || ctid::text"
    """Every write makes another version of the row, with its transaction and another place."""

    def __init__(self, *, utf8: bool = True) -> None:
        """`utf8` says whether the database keeps its texts in it, so that they are the bytes."""
        self._bytes = "{}" if utf8 else "convert_to({}, 'UTF8')"

    def quote(self, name: str) -> str:
        """An identifier; `%` is doubled as statements have parameters."""
        return '"' + name.replace('"', '""').replace("%", "%%") + '"'

    def table(self, relation: Relation) -> str:
        """With its schema."""
        return f"{self.quote(relation.schema)}.{self.quote(relation.name)}"

    def text(self, field: Field) -> str:
        """See the module's docstring."""
        column, form = field
        name = self.quote(column.name)
        match form:
            case Form.INTEGER | Form.DECIMAL | Form.FLOAT:
                return _plain_number(name, column.kind)
            case Form.NUMBER | Form.SINGLE:
                return _number(_number_text(name, column.kind, single=form is Form.SINGLE))
            case Form.PADDED:
                return f"rtrim({name}::text, ' ')"
            case Form.DIGEST:
                return f"md5({self._bytes.format(f'{name}::text')})"
            case Form.BYTES:
                return f"md5({name})"
            case Form.HEX:
                return f"encode({name}, 'hex')"
            case Form.MOMENT if column.kind is Kind.TIMESTAMPTZ:
                return f"({name} AT TIME ZONE 'UTC')::text"
            case Form.UUID:
                return f"replace(lower({name}::text), '-', '')"
        return f"{name}::text"

    def concat(self, parts: Sequence[str]) -> str:
        """In groups, as a function takes a hundred arguments."""
        groups = [parts[start : start + 90] for start in range(0, len(parts), 90)]
        return " || ".join(f"concat({', '.join(group)})" for group in groups)

    def octets(self, text: str) -> str:
        """Without reading a value that is stored out of line."""
        return f"octet_length({self._bytes.format(text)})"

    def short_hash(self, line: str) -> str:
        """Bits of the hexadecimal digits."""
        return f"('x0' || left(md5({self._bytes.format(line)}), 15))::bit(64)::bigint"

    def total(self, numbers: str) -> str:
        """A numeric: it cannot overflow."""
        return f"sum({numbers})"

    def hashed_rows(self, columns: str, source: str) -> str:
        """A plain subquery: each of its columns is used once."""
        return f"(SELECT {columns} FROM {source})"

    def literal(self, field: Field, text: str) -> Statement | None:
        """Never a cast that could fail: the other side's value may fit no value of this column."""
        column, form = field
        match form, column.kind:
            case Form.INTEGER, Kind.INTEGER:
                return str(int(text)), []
            case Form.DECIMAL, Kind.DECIMAL:
                return "%s::numeric", [text]
            case ((Form.TEXT | Form.PADDED), Kind.TEXT) if "\0" not in text:
                return ("%s::bpchar" if form is Form.PADDED else "%s::text"), [text]
            case Form.HEX, Kind.BINARY:
                return "decode(%s, 'hex')", [text]
            case Form.UUID, Kind.UUID if not text.startswith("?"):
                return "%s::uuid", [text]
        return None


def _plain_number(name: str, kind: Kind) -> str:
    match kind:
        case Kind.BOOLEAN:
            return f"{name}::int::text"
        case Kind.DECIMAL:
            return f"trim_scale({name})::text"
        case Kind.FLOAT:
            # Nothing added makes -0 what it is equal to; in quotes it has the column's width.
            return f"({name} + '0')::text"
    return f"{name}::text"


def _number_text(name: str, kind: Kind, *, single: bool) -> str:
    if single:
        value = f"{name}::float8"
        fits = f"abs({value}) BETWEEN {LEAST_SINGLE} AND {GREATEST_SINGLE}"
        return f"(CASE WHEN {fits} THEN {name}::float4::float8 ELSE {value} END)::text"
    return _plain_number(name, kind)


def _number(text: str) -> str:
    """From `-1.5e-07` to `-15e-8`; words as they are."""
    mantissa = f"split_part(ltrim({text}, '-'), 'e', 1)"
    power = f"coalesce(nullif(split_part({text}, 'e', 2), ''), '0')::int"
    digits = f"replace({mantissa}, '.', '')"
    trimmed = f"btrim({digits}, '0')"
    scale = f"length(split_part({mantissa}, '.', 2))"
    zeros = f"(length({digits}) - length(rtrim({digits}, '0')))"
    return (
        f"(CASE WHEN {text} ~ '^-?[IN]' THEN {text} WHEN {trimmed} = '' THEN '0'"
        f" ELSE CASE WHEN {text} LIKE '-%%' THEN '-' ELSE '' END || {trimmed} || 'e'"
        f" || ({power} - {scale} + {zeros})::text END)"
    )


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        permanent = isinstance(error, (psycopg.ProgrammingError, psycopg.DataError))
        said = error.diag.message_primary or type(error).__name__
        raise SourceError(f"comparing rows: PostgreSQL: {said}", temporary=not permanent) from error


class PostgresSession:
    """One session; each statement is a snapshot of its own."""

    def __init__(self, url: str, seconds: float) -> None:
        """`seconds` bounds each statement. Raises a temporary `SourceError`."""
        self._connection = connect(url)
        self._connection.execute(
            "SELECT set_config('statement_timeout', %s, false),"
            " set_config('max_parallel_workers_per_gather', '0', false),"
            " set_config('jit', 'off', false)",
            (str(int(seconds * 1000)),),
        )

    @property
    def utf8(self) -> bool:
        """Whether the database keeps its texts in UTF-8 (or knows no characters at all)."""
        return self._connection.info.parameter_status("server_encoding") in {"UTF8", "SQL_ASCII"}

    def query(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        with _told():
            return self._connection.execute(statement.encode(), values or ()).fetchall()

    def stream(self, statement: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """The rows one by one, by a cursor of the server."""
        with (
            _told(),
            self._connection.transaction(),
            self._connection.cursor(name=f"strangler_{uuid4().hex}") as cursor,
        ):
            cursor.itersize = 5_000
            cursor.execute(statement.encode(), values or ())
            yield from cursor

    def cancel(self) -> None:
        """End what runs, from another thread."""
        self._connection.cancel_safe(timeout=5.0)

    def close(self) -> None:
        """End the session."""
        self._connection.close()
