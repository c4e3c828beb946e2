"""PostgreSQL as a target.

Rows travel as one JSON text per statement and are taken apart in the database, so that no value is
touched in Python and each is cast by PostgreSQL's own input functions: whatever a type can hold
arrives (years beyond 9999, NaN, `24:00:00`). Casts are to the type without its length, and the
assignment checks the length: an explicit cast to `varchar(3)` would cut a text in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
import psycopg
import structlog
from psycopg import conninfo, sql
from sqlalchemy import Connection, create_engine
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
from cdc.applier.targets import postgres_statements as statements
from cdc.applier.targets.shared import identifiers, key_missing, partial_missing, unfit

CONNECT_WITHIN: Final = 10
"""Seconds to a connection, where the URL says nothing."""

log = structlog.get_logger(__name__)

_COLUMNS: Final = """
    SELECT a.attname, format_type(a.atttypid, -1), b.typname, b.typcategory, NOT a.attnotnull,
           a.atthasdef OR a.attidentity <> '', a.attgenerated <> '', a.attidentity = 'a'
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_type b ON b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
    WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum"""
_KEYS: Final = """
    SELECT i.indisprimary, array_agg(a.attname ORDER BY k.place)
    FROM pg_index i
    CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indimmediate
      AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
    GROUP BY i.indexrelid, i.indisprimary"""
_PARENTS: Final = """
    SELECT DISTINCT confrelid::bigint FROM pg_constraint
    WHERE conrelid = %s AND contype = 'f' AND confrelid <> conrelid"""

_VERDICTS: Final = {
    "23503": Verdict.CONFLICT,  # foreign key
    "23505": Verdict.CONFLICT,  # unique
    "23P01": Verdict.CONFLICT,  # exclusion
    "21000": Verdict.CONFLICT,  # two keys of a statement that are one here (a case-blind type)
    "23502": Verdict.UNFIT,  # not null
    "23514": Verdict.UNFIT,  # check
    "22": Verdict.UNFIT,
    "42501": Verdict.REFUSED,  # no right
    "25006": Verdict.REFUSED,  # read-only
    "42": Verdict.SHAPE,
    "P0": Verdict.REFUSED,  # a trigger's RAISE
}


class PostgresTarget:
    """Writes one stream's rows into a PostgreSQL database."""

    def __init__(self, url: str, stream: str, *, reverse: bool = False) -> None:
        """`reverse` lets foreign keys and triggers rest, where that is granted."""
        self._stream, self._reverse = stream, reverse
        # libpq reads its own URLs (sockets, TLS, several hosts); SQLAlchemy need not know them.
        self._url = f"postgresql://{url.split('://', 1)[1]}"
        self.engine = create_engine(
            "postgresql+psycopg://", creator=self._connect, pool_size=2, hide_parameters=True,
            isolation_level="READ COMMITTED",
        )  # fmt: skip

    def _connect(self) -> psycopg.Connection[Any]:
        known = conninfo.conninfo_to_dict(self._url)
        wait = known.get("connect_timeout") or CONNECT_WITHIN
        return psycopg.connect(
            self._url, connect_timeout=wait, application_name=f"strangler:{self._stream}"
        )

    def prepare(self, connection: Connection) -> None:
        """Set a new session up; the origin and the role only where they are granted."""
        raw = _raw(connection)
        raw.execute("SET TimeZone = 'UTC'")
        raw.execute("SET DateStyle = 'ISO, YMD'")
        raw.execute("SET lock_timeout = '30s'")
        self._try(raw, "replication origin", self._set_origin)
        if self._reverse:
            self._try(raw, "session_replication_role", _rest_triggers)

    def _set_origin(self, raw: psycopg.Connection[Any]) -> None:
        name = f"strangler:{self._stream}"
        if raw.execute("SELECT pg_replication_origin_oid(%s)", (name,)).fetchone() == (None,):
            raw.execute("SELECT pg_replication_origin_create(%s)", (name,))
        raw.execute("SELECT pg_replication_origin_session_setup(%s)", (name,))

    def _try(self, raw: psycopg.Connection[Any], what: str, setting: Any) -> None:
        try:
            with raw.transaction():
                setting(raw)
        except psycopg.Error as error:
            log.info("not_granted", stream=self._stream, setting=what, error=_primary(error))

    def begin(self, connection: Connection) -> None:
        """Let the transaction pass the guards."""
        _raw(connection).execute(
            "SELECT set_config('strangler.applier', %s, true)", (self._stream,)
        )

    def describe(self, connection: Connection, table: str) -> TargetTable:
        """The table from PostgreSQL's catalogue."""
        raw, name = _raw(connection), sql.Identifier(*identifiers(table)).as_string(None)
        found = raw.execute("SELECT to_regclass(%s)::oid::bigint", (name,)).fetchone()
        if found is None or found[0] is None:
            raise Stopped(f"the target has no table {table}: create it, then start the applier")
        oid = found[0]
        columns = [_column(*row) for row in raw.execute(_COLUMNS, (oid,)).fetchall()]
        keys = raw.execute(_KEYS, (oid,)).fetchall()
        return TargetTable(
            name=table,
            identity=str(oid),
            columns={column.name: column for column in columns},
            primary=next((tuple(names) for primary, names in keys if primary), ()),
            unique=frozenset(frozenset(names) for _, names in keys),
            parents=frozenset(str(row[0]) for row in raw.execute(_PARENTS, (oid,)).fetchall()),
        )

    def delete(
        self, connection: Connection, table: TargetTable, key: Sequence[str], rows: Sequence[Row]
    ) -> None:
        """One statement for all of them."""
        if missing := key_missing(table, key):
            raise Stopped(missing)
        _raw(connection).execute(
            statements.delete(statements.Shape(table, tuple(key))), (_json(rows),)
        )

    def upsert(
        self, connection: Connection, table: TargetTable, key: Sequence[str],
        columns: Sequence[str], rows: Sequence[Row],
    ) -> None:  # fmt: skip
        """One `INSERT … ON CONFLICT` for all of them; other unique keys still refuse."""
        if missing := key_missing(table, key):
            raise Stopped(missing)
        _raw(connection).execute(
            statements.upsert(statements.Shape(table, tuple(key), tuple(columns))), (_json(rows),)
        )

    def update(
        self, connection: Connection, table: TargetTable, key: Sequence[str],
        columns: Sequence[str], rows: Sequence[Row],
    ) -> None:  # fmt: skip
        """One `UPDATE … FROM` for all of them, and a look whether all were there."""
        shape = statements.Shape(table, tuple(key), tuple(columns))
        done = _raw(connection).execute(statements.update(shape), (_json(rows),))
        if done.rowcount != len(rows):
            raise MissingRowError(table.name)

    def clear(self, connection: Connection, table: TargetTable) -> None:
        """DELETE, not TRUNCATE: readers of an older snapshot go on seeing their rows."""
        _raw(connection).execute(
            sql.SQL("DELETE FROM {}").format(sql.Identifier(*identifiers(table.name)))
        )

    def settle(self, connection: Connection) -> None:
        """Check what is DEFERRABLE now (Django's foreign keys are)."""
        raw = _raw(connection)
        raw.execute("SET CONSTRAINTS ALL IMMEDIATE")
        raw.execute("SET CONSTRAINTS ALL DEFERRED")

    def judge(self, error: Exception) -> Verdict:
        """By SQLSTATE, or by its class."""
        origin = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(origin, MissingRowError):
            return Verdict.UNFIT
        state = getattr(origin, "sqlstate", None) or ""
        return _VERDICTS.get(state) or _VERDICTS.get(state[:2]) or Verdict.TEMPORARY

    def explain(
        self, connection: Connection, table: TargetTable, row: Row, error: Exception
    ) -> str:
        """Each value is cast alone until one fails; else what PostgreSQL names itself."""
        raw = _raw(connection)
        for name, value in row.items() if _is_of_a_value(error) else ():
            column = table.columns.get(name)
            if column is not None and not _casts(raw, column, value):
                return unfit(table, column, value)
        return _told(table, error)


def _is_of_a_value(error: Exception) -> bool:
    origin = error.orig if isinstance(error, DBAPIError) else error
    return (getattr(origin, "sqlstate", None) or "").startswith("22")


def _casts(raw: psycopg.Connection[Any], column: TargetColumn, value: Any) -> bool:
    query = sql.SQL("SELECT {} FROM {}").format(
        statements.cast(column), statements.recordset((column.name,))
    )
    try:
        with raw.transaction():
            raw.execute(query, (_json([{column.name: value}]),))
    except psycopg.Error:
        return False
    return True


def _told(table: TargetTable, error: Exception) -> str:
    """PostgreSQL's message, apart from the values it quotes: those are somebody's data."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(origin, MissingRowError):
        return partial_missing(table)
    diag = getattr(origin, "diag", None)
    named = [
        f"{kind} {value}"
        for kind in ("column", "constraint")
        if (value := getattr(diag, f"{kind}_name", None))
    ]
    what = getattr(origin, "sqlstate", None) or type(origin).__name__
    return f"{table.name}: {type(origin).__name__} ({what}) {', '.join(named)}".rstrip()


def _column(
    name: str, type_: str, base: str, category: str | bytes, nullable: bool, default: bool,
    generated: bool, fixed: bool,
) -> TargetColumn:  # fmt: skip
    category = category.decode() if isinstance(category, bytes) else category
    form = {"N": Form.NUMBER, "D": Form.MOMENT}.get(category, Form.TEXT)
    return TargetColumn(
        name=name, type=type_, form=Form.BYTES if base == "bytea" else form, nullable=nullable,
        has_default=default, generated=generated, fixed=fixed,
    )  # fmt: skip


def _rest_triggers(raw: psycopg.Connection[Any]) -> None:
    raw.execute("SET session_replication_role = replica")


def _primary(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error)


def _json(rows: Sequence[Row]) -> str:
    return orjson.dumps(list(rows)).decode()


def _raw(connection: Connection) -> psycopg.Connection[Any]:
    """The driver's connection below SQLAlchemy's, in the same transaction."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw
