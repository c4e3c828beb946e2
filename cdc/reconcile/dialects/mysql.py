# ruff: noqa: S608 - identifiers are quoted, values are parameters
"""Canonical texts and statements in the SQL of MariaDB and MySQL.

Texts are turned into bytes of UTF-8 before they are joined, so that no collation has a say. A
concatenation longer than `max_allowed_packet` would be NULL: long texts are digests by themselves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pymysql
from pymysql import converters
from pymysql.cursors import SSCursor

from cdc.change import Kind, Relation
from cdc.reconcile.canonical import GREATEST_SINGLE, LEAST_SINGLE
from cdc.reconcile.dialects.base import Field, Statement
from cdc.reconcile.forms import Form
from cdc.sources.mysql import sessions


class MysqlDialect:
    """See `cdc.reconcile.dialects.base.Dialect`."""

    mark = "%s"
    row_values = False
    version: str | None = None

    def quote(self, name: str) -> str:
        """An identifier; `%` is doubled as statements have parameters."""
        return "`" + name.replace("`", "``").replace("%", "%%") + "`"

    def table(self, relation: Relation) -> str:
        """With its database."""
        return f"{self.quote(relation.schema)}.{self.quote(relation.name)}"

    def text(self, field: Field) -> str:
        """See the module's docstring."""
        column, form = field
        name = self.quote(column.name)
        match form:
            case Form.INTEGER | Form.DECIMAL if column.kind in {Kind.INTEGER, Kind.BOOLEAN}:
                # Added to, a number loses the zeros that ZEROFILL shows.
                return _chars(f"{name} + 0")
            case Form.DECIMAL:
                return _without_zeros(_chars(f"{name} + 0"))
            case Form.NUMBER | Form.SINGLE:
                return _number(_number_text(name, column.kind, single=form is Form.SINGLE))
            case Form.DIGEST:
                return f"MD5({_utf8(name, column.type, column.kind)})"
            case Form.BYTES:
                return f"MD5({name})"
            case Form.HEX:
                return f"LOWER(HEX({name}))"
            case Form.MOMENT:
                return _without_zeros(_chars(name))
            case Form.UUID:
                return f"REPLACE(LOWER({_chars(name)}), '-', '')"
            case Form.PADDED:
                return f"TRIM(TRAILING ' ' FROM {_utf8(name, column.type, column.kind)})"
        return _utf8(name, column.type, column.kind)

    def concat(self, parts: Sequence[str]) -> str:
        """NULL would make the whole NULL."""
        joined = ", ".join(part if part[0] == "'" else f"IFNULL({part}, '')" for part in parts)
        return f"CONCAT({joined})"

    def octets(self, text: str) -> str:
        """Of bytes."""
        return f"LENGTH({text})"

    def short_hash(self, line: str) -> str:
        """Digits in base 16 to a number."""
        return f"CAST(CONV(LEFT(MD5({line}), 15), 16, 10) AS SIGNED)"

    def total(self, numbers: str) -> str:
        """A decimal, which has room for the sum."""
        return f"SUM({numbers})"

    def hashed_rows(self, columns: str, source: str) -> str:
        """A derived table; each of its columns is used once, so it may be merged."""
        return f"(SELECT {columns} FROM {source})"

    def literal(self, field: Field, text: str) -> Statement | None:
        """A collation may find more than is asked for: the caller compares the texts."""
        column, form = field
        match form, column.kind:
            case Form.INTEGER, Kind.INTEGER if not column.type.startswith("year"):
                return str(int(text)), []
            case Form.TEXT, Kind.TEXT:
                return "%s", [text]
            case Form.HEX, Kind.BINARY:
                return "UNHEX(%s)", [text]
        return None


def _chars(expression: str) -> str:
    return f"CAST({expression} AS CHAR)"


def _utf8(name: str, type_: str, kind: Kind) -> str:
    if type_.startswith("bit("):
        return f"LPAD(BIN({name} + 0), {int(type_[4:-1])}, '0')"
    if kind not in {Kind.TEXT, Kind.JSON, Kind.OTHER}:
        return _chars(name)
    return f"CAST(CONVERT({name} USING utf8mb4) AS BINARY)"


def _without_zeros(text: str) -> str:
    """`1.50` as `1.5` and `1.00` as `1`; nothing else has a point."""
    trimmed = f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {text}))"
    return f"IF(LOCATE('.', {text}), {trimmed}, {text})"


def _number_text(name: str, kind: Kind, *, single: bool) -> str:
    """MySQL shows six digits of a FLOAT, and seventeen of what it is as a DOUBLE."""
    if single:
        fits = f"ABS({name}) BETWEEN {LEAST_SINGLE} AND {GREATEST_SINGLE}"
        rounded = f"CAST(CAST({name} AS FLOAT) AS DOUBLE)"
        return _chars(f"IF({fits}, {rounded}, CAST({name} AS DOUBLE))")
    return _chars(f"CAST({name} AS DOUBLE)" if kind is Kind.FLOAT else f"{name} + 0")


def _number(text: str) -> str:
    """From `-1.5e-7` to `-15e-8`."""
    mantissa = f"SUBSTRING_INDEX(TRIM(LEADING '-' FROM {text}), 'e', 1)"
    power = f"IF(LOCATE('e', {text}), SUBSTRING_INDEX({text}, 'e', -1) + 0, 0)"
    digits = f"REPLACE({mantissa}, '.', '')"
    trimmed = f"TRIM(BOTH '0' FROM {digits})"
    scale = f"IF(LOCATE('.', {mantissa}), LENGTH(SUBSTRING_INDEX({mantissa}, '.', -1)), 0)"
    zeros = f"LENGTH({digits}) - LENGTH(TRIM(TRAILING '0' FROM {digits}))"
    return (
        f"IF({trimmed} = '', '0', CONCAT(IF({text} LIKE '-%%', '-', ''), {trimmed}, 'e',"
        f" CAST({power} - {scale} + {zeros} AS SIGNED)))"
    )


class MysqlSession:
    """One session; each statement is a snapshot of its own."""

    def __init__(self, url: str, seconds: float) -> None:
        """`seconds` bounds each statement, on both ends. Raises `SourceError`."""
        self._url = url
        with sessions.told("connecting to compare"):
            self._session = sessions.opened(
                **sessions.settings(url), database=sessions.database(url), autocommit=True,
                read_timeout=seconds + 10, write_timeout=seconds + 10,
                conv=dict(converters.encoders),
            )  # fmt: skip
        mariadb = sessions.is_mariadb(self._session)
        limit = (
            f"max_statement_time = {int(seconds)}"
            if mariadb
            else f"max_execution_time = {int(seconds * 1000)}"
        )
        self.query(f"SET time_zone = '+00:00', sql_mode = '', {limit}", ())
        self.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", ())

    def query(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        with sessions.told("comparing rows"), self._session.cursor() as cursor:
            cursor.execute(statement, tuple(values))
            return list(cursor.fetchall())

    def stream(self, statement: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """The rows one by one, as the server sends them."""
        with sessions.told("comparing rows"), self._session.cursor(SSCursor) as cursor:
            cursor.execute(statement, tuple(values))
            yield from cursor

    def cancel(self) -> None:
        """By another session, as the protocol has no other way."""
        with contextlib.suppress(Exception):
            other = sessions.connect(self._url)
            with contextlib.closing(other):
                sessions.rows(other, f"KILL QUERY {int(self._session.thread_id())}")

    def close(self) -> None:
        """End the session."""
        with contextlib.suppress(pymysql.err.Error):
            self._session.close()
