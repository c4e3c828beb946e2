"""What is asked of the server about its log, for the source and for the preflight."""

from __future__ import annotations

import secrets
from typing import Any

import pymysql

from cdc.config.model import Stream
from cdc.config.names import command
from cdc.relay.ports import SourceError
from cdc.sources.mysql import sessions
from cdc.sources.mysql.sessions import Session, rows

MARKER_TABLE = "strangler_marker"

NEEDED = {"binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_row_metadata": "FULL"}
"""Settings without which the log does not carry all of a change."""


_NO_TABLE = 1146


def token(session: Session, stream: Stream) -> str:
    """What tells this data directory from another; written at the first call."""
    try:
        rows(
            session,
            f"INSERT IGNORE INTO {MARKER_TABLE} (stream, kind, seq, body)"  # noqa: S608
            " VALUES ('', 'identity', 0, JSON_OBJECT('token', %s))",
            (secrets.token_hex(16),),
        )
        found = rows(
            session,
            f"SELECT JSON_VALUE(body, '$.token') FROM {MARKER_TABLE}"  # noqa: S608
            " WHERE stream = '' AND kind = 'identity'",
        )
    except pymysql.err.ProgrammingError as error:
        if error.args[0] != _NO_TABLE:
            raise
        raise SourceError(
            f"the table {MARKER_TABLE} is missing at the source: run"
            f" `{command('init', stream, '--apply')}`",
            temporary=False,
        ) from error
    return str(found[0][0])


def place(table: str, database: str) -> tuple[str, str]:
    """Schema and name of a table as a stream names it."""
    schema, point, name = table.rpartition(".")
    return (schema, name) if point else (database, table)


def check_settings(session: Session, stream: Stream) -> None:
    """Raise `SourceError` unless the log carries whole changes."""
    found = sessions.variables(session, *NEEDED)
    wrong = [
        f"{name} is {found.get(name, 'unknown to the server')}, not {value}"
        for name, value in NEEDED.items()
        if found.get(name, "").upper() != value
    ]
    if wrong:
        raise SourceError(
            f"the binlog does not carry whole changes: {'; '.join(wrong)}. Run"
            f" `{command('init', stream, '--apply')}`, or set them in the server's configuration",
            temporary=False,
        )


def _status(session: Session) -> tuple[Any, ...] | None:
    """File, offset, and the databases that are logged only, or not."""
    # MySQL 8.4 has dropped the statement that all others know.
    version = str(rows(session, "SELECT VERSION()")[0][0])
    new = "mariadb" not in version.lower() and tuple(map(int, version.split(".")[:2])) >= (8, 2)
    found = rows(session, "SHOW BINARY LOG STATUS" if new else "SHOW MASTER STATUS")
    return found[0] if found else None


def end_of_log(session: Session) -> tuple[str, int] | None:
    """File and offset of the binlog's end; None where there is no binlog."""
    found = _status(session)
    return (str(found[0]), int(found[1])) if found else None


def filters(session: Session) -> tuple[list[str], list[str]] | None:
    """Databases that alone are logged, and those that are not; None where there is no binlog."""
    found = _status(session)
    if found is None:
        return None
    only, ignored = ([name for name in str(value).split(",") if name] for value in found[2:4])
    return only, ignored


def binlogs(session: Session) -> dict[str, int]:
    """The server's binlogs with their sizes, the oldest first."""
    return {str(row[0]): int(row[1]) for row in rows(session, "SHOW BINARY LOGS")}


def charsets(session: Session) -> list[tuple[int, str, int]]:
    """Collation id, character set, and bytes of a character at most."""
    known = (
        "SELECT id, a.character_set_name, maxlen FROM information_schema.{} a"
        " JOIN information_schema.character_sets s ON s.character_set_name = a.character_set_name"
        " WHERE id IS NOT NULL"
    )
    # From 10.10 on MariaDB lists the ids of its newer collations elsewhere.
    source = "collation_character_set_applicability"
    found = rows(
        session,
        "SELECT 1 FROM information_schema.columns WHERE table_schema = 'information_schema'"
        " AND table_name = %s AND column_name = 'ID'",
        (source,),
    )
    listed = rows(session, known.format(source if found else "collations"))
    return [(int(number), str(name), int(size)) for number, name, size in listed]


def natives(session: Session, schema: str, name: str) -> dict[str, str]:
    """Columns of types that MariaDB alone has, and whose log looks like BINARY."""
    found = rows(
        session,
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s"
        " AND table_name = %s AND data_type IN ('uuid', 'inet6', 'inet4')",
        (schema, name),
    )
    return {str(column): str(of) for column, of in found}
