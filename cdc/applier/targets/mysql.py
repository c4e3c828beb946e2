# ruff: noqa: S608 - identifiers are quoted by `_quote`, values are parameters
"""MySQL and MariaDB as a target.

`INSERT … ON DUPLICATE KEY UPDATE` writes into whichever row *any* unique index finds, which may be
another row than the key's. So each upsert also sets the key to NULL where the row found has another
key: the database refuses that, and the rows are taken for what they are, a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

import pymysql
from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import DBAPIError

from cdc.applier.ports import (
    Form,
    MissingRowError,
    Row,
    Stopped,
    TargetColumn,
    TargetTable,
    Verdict,
)
from cdc.applier.targets.shared import identifiers, key_missing, partial_missing, unfit
from cdc.applier.targets.values import UnfitError, parameters
from strangler.kit.databases import MYSQL_TLS, mysql_tls

_COLUMNS: Final = """
    SELECT column_name, data_type, is_nullable = 'YES',
           column_default IS NOT NULL OR extra LIKE '%%auto_increment%%',
           coalesce(generation_expression, '') <> ''
    FROM information_schema.columns WHERE table_schema = {} AND table_name = %s
    ORDER BY ordinal_position"""
_KEYS: Final = """
    SELECT index_name, column_name, sub_part IS NULL FROM information_schema.statistics
    WHERE table_schema = {} AND table_name = %s AND non_unique = 0
    ORDER BY index_name, seq_in_index"""
_PARENTS: Final = """
    SELECT DISTINCT referenced_table_schema, referenced_table_name
    FROM information_schema.key_column_usage
    WHERE table_schema = {} AND table_name = %s AND referenced_table_name IS NOT NULL"""

_CONFLICT: Final = {1062, 1169, 1216, 1217, 1451, 1452, 1557, 1586, 1761, 1762}
_UNFIT: Final = {
    1048, 1138, 1264, 1265, 1292, 1300, 1364, 1366, 1367, 1406, 1411, 1416, 1425, 1690, 1772,
    3140, 3141, 3819, 4025,
}  # fmt: skip
_SHAPE: Final = {1054, 1136, 1146, 1906, 3105}
_REFUSED: Final = {1044, 1045, 1142, 1143, 1227, 1290, 1644, 1792, 1836}
_NULL: Final = 1048

_NUMBERS: Final = {
    "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double",
}  # fmt: skip
_BYTES: Final = {
    "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry", "point",
    "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection",
}  # fmt: skip
_MOMENTS: Final = {"date", "time", "datetime", "timestamp", "year"}

CONNECT_WITHIN: Final = 10
READ_WITHIN: Final = 120
"""Seconds for one answer: longer than the server's own limit for locks."""


class _OtherRowError(Exception):
    """A unique index found another row than the key's."""


class MysqlTarget:
    """Writes one stream's rows into a MySQL or MariaDB database."""

    def __init__(self, url: str, stream: str, *, reverse: bool = False) -> None:
        """`reverse` lets foreign keys rest."""
        self._stream, self._reverse = stream, reverse
        self.engine = create_engine(
            _address(url), pool_size=2, hide_parameters=True, isolation_level="READ COMMITTED",
            connect_args={
                "connect_timeout": CONNECT_WITHIN, "read_timeout": READ_WITHIN, **mysql_tls(url),
            },
        )  # fmt: skip

    def prepare(self, connection: Connection) -> None:
        """Refuse what would be cut, keep zeros in counted columns, let the guards see us."""
        with _cursor(connection) as cursor:
            cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO'")
            cursor.execute("SET SESSION time_zone = '+00:00'")
            cursor.execute("SET @strangler_applier = %s", (self._stream,))
            if self._reverse:
                cursor.execute("SET SESSION foreign_key_checks = 0")

    def begin(self, connection: Connection) -> None:
        """Nothing: what the guards see is the session's."""

    def describe(self, connection: Connection, table: str) -> TargetTable:
        """The table from the information schema."""
        *schema, name = identifiers(table)
        where, values = ("%s", (*schema, name)) if schema else ("DATABASE()", (name,))
        with _cursor(connection) as cursor:
            columns = [_column(*row) for row in _all(cursor, _COLUMNS.format(where), values)]
            if not columns:
                raise Stopped(f"the target has no table {table}: create it, then start the applier")
            keys: dict[str, list[str]] = {}
            partial: set[str] = set()
            for index, column, entire in _all(cursor, _KEYS.format(where), values):
                keys.setdefault(index, []).append(column)
                partial |= set() if entire and column else {index}
            parents = _all(cursor, _PARENTS.format(where), values)
            own = (_all(cursor, "SELECT DATABASE()", ())[0][0], name)
        return TargetTable(
            name=table,
            identity=".".join((*schema, name) if schema else own),
            columns={column.name: column for column in columns},
            primary=tuple(keys.get("PRIMARY", ())),
            unique=frozenset(frozenset(keys[index]) for index in keys.keys() - partial),
            parents=frozenset(".".join(row) for row in parents),
        )

    def delete(
        self, connection: Connection, table: TargetTable, key: Sequence[str], rows: Sequence[Row]
    ) -> None:
        """One statement for all of them."""
        if missing := key_missing(table, key):
            raise Stopped(missing)
        values = parameters(table, key, rows)
        one = f"({', '.join(['%s'] * len(key))})"
        names = f"({', '.join(map(_quote, key))})"
        statement = f"DELETE FROM {_name(table)} WHERE {names} IN ({', '.join([one] * len(rows))})"
        with _cursor(connection) as cursor:
            cursor.execute(statement, [value for row in values for value in row])

    def upsert(
        self, connection: Connection, table: TargetTable, key: Sequence[str],
        columns: Sequence[str], rows: Sequence[Row],
    ) -> None:  # fmt: skip
        """Few statements with many rows each; the driver puts them together."""
        if missing := key_missing(table, key):
            raise Stopped(missing)
        statement = _upsert(_name(table), tuple(key), tuple(columns))
        try:
            with _cursor(connection) as cursor:
                cursor.executemany(statement, parameters(table, columns, rows))
        except pymysql.MySQLError as error:
            if _code(error) == _NULL and any(f"'{name}'" in str(error) for name in key):
                raise _OtherRowError(table.name) from error
            raise

    def update(
        self, connection: Connection, table: TargetTable, key: Sequence[str],
        columns: Sequence[str], rows: Sequence[Row],
    ) -> None:  # fmt: skip
        """Row by row: there is no statement for many."""
        settable = [name for name in columns if name not in key] or list(key)
        statement = (
            f"UPDATE {_name(table)} SET {_assign(settable, ', ')} WHERE {_assign(key, ' AND ')}"
        )
        with _cursor(connection) as cursor:
            for values in parameters(table, [*settable, *key], rows):
                if not cursor.execute(statement, values):
                    raise MissingRowError(table.name)

    def clear(self, connection: Connection, table: TargetTable) -> None:
        """DELETE: a TRUNCATE would commit."""
        with _cursor(connection) as cursor:
            cursor.execute(f"DELETE FROM {_name(table)}")

    def settle(self, connection: Connection) -> None:
        """Nothing: everything is checked at once."""

    def judge(self, error: Exception) -> Verdict:
        """By the server's number."""
        origin = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(origin, MissingRowError | UnfitError):
            return Verdict.UNFIT
        code = _code(origin)
        if isinstance(origin, _OtherRowError) or code in _CONFLICT:
            return Verdict.CONFLICT
        for codes, verdict in (
            (_UNFIT, Verdict.UNFIT), (_SHAPE, Verdict.SHAPE), (_REFUSED, Verdict.REFUSED),
        ):  # fmt: skip
            if code in codes:
                return verdict
        return Verdict.TEMPORARY

    def explain(
        self,
        connection: Connection,  # noqa: ARG002 - others ask the database
        table: TargetTable,
        row: Row,
        error: Exception,
    ) -> str:
        """The server names the column, between quotes, together with the value: take the former."""
        origin = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(origin, UnfitError):
            return str(origin)
        if isinstance(origin, MissingRowError):
            return partial_missing(table)
        said = str(origin.args[-1]) if origin is not None and origin.args else ""
        code = _code(origin)
        if code in _UNFIT:
            for name, column in table.columns.items():
                if f"'{name}'" in said or f"`{name}`" in said:
                    return unfit(table, column, row.get(name))
        return f"{table.name}: {_KINDS.get(code, 'refused')} (error {code})"


_KINDS: Final = {
    1062: "another row has the same unique value", 1451: "rows of other tables refer to this one",
    1452: "it refers to a row that is not there", 4025: "a CHECK fails", 3819: "a CHECK fails",
}  # fmt: skip


@lru_cache(maxsize=1024)
def _upsert(name: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    same = " AND ".join(f"{_quote(c)} <=> VALUES({_quote(c)})" for c in key)
    first = _quote(key[0])
    guard = f"{first} = IF({same}, {first}, NULL)"
    others = [f"{_quote(c)} = VALUES({_quote(c)})" for c in columns if c not in key]
    return (
        f"INSERT INTO {name} ({', '.join(map(_quote, columns))}) "
        f"VALUES ({', '.join(['%s'] * len(columns))}) "
        f"ON DUPLICATE KEY UPDATE {', '.join([guard, *others])}"
    )


def _assign(columns: Iterable[str], between: str) -> str:
    return between.join(f"{_quote(name)} = %s" for name in columns)


def _column(name: str, type_: str, nullable: int, default: int, generated: int) -> TargetColumn:
    forms = (
        (_NUMBERS, Form.NUMBER), (_BYTES, Form.BYTES), (_MOMENTS, Form.MOMENT), ({"bit"}, Form.BITS)
    )  # fmt: skip
    form = next((form for types, form in forms if type_ in types), Form.TEXT)
    return TargetColumn(
        name, type_, form, bool(nullable), has_default=bool(default), generated=bool(generated)
    )


def _address(url: str) -> URL:
    """A URL as the driver takes it; a host that begins with `/` is a socket, as libpq has it.

    What it says of TLS is left out: SQLAlchemy would hand half of it over, and nothing be checked.
    """
    parsed = make_url(url).set(drivername="mysql+pymysql").update_query_dict({"charset": "utf8mb4"})
    parsed = parsed.difference_update_query(MYSQL_TLS)
    host = unquote(parsed.host or "")
    if host.startswith("/"):
        parsed = parsed.set(host=None).update_query_dict({"unix_socket": host})
    return parsed


def _quote(name: str) -> str:
    """An identifier; `%` twice, as the driver looks for its parameters."""
    return f"`{name.replace('`', '``').replace('%', '%%')}`"


def _name(table: TargetTable) -> str:
    return ".".join(map(_quote, identifiers(table.name)))


def _code(error: Any) -> int:
    code = error.args[0] if isinstance(error, pymysql.MySQLError) and error.args else 0
    return code if isinstance(code, int) else 0


def _all(cursor: Any, query: str, values: tuple[str, ...]) -> Sequence[Sequence[Any]]:
    cursor.execute(query, values)
    rows: Sequence[Sequence[Any]] = cursor.fetchall()
    return rows


def _cursor(connection: Connection) -> Any:
    """A cursor of the driver's, in the same transaction."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, pymysql.connections.Connection)
    return raw.cursor()
