"""What a MariaDB or MySQL server must have before a stream can be captured: `MysqlPreflight`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pymysql

from cdc.config.model import Stream
from cdc.relay.ports import SourceError
from cdc.sources.mysql import server, sessions
from cdc.sources.mysql.control import MARKER_DDL, MysqlControl
from cdc.sources.mysql.server import MARKER_TABLE, NEEDED
from cdc.sources.mysql.sessions import Session, quoted, rows
from cdc.sources.preflight import Finding

_DAY = 86400
_ALSO = {
    "binlog_row_value_options": "",
    "binlog_transaction_compression": "OFF",
    "binlog_order_commits": "ON",
}
"""Settings of MySQL only: parts of JSON documents and compressed transactions are not read, and a
snapshot rests on commits that become visible in the order of the log."""
_RIGHTS = "GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO …"
_TRANSACTIONAL = {"InnoDB", "ROCKSDB", "ndbcluster"}


class MysqlPreflight:
    """See `cdc.sources.preflight.Preflight`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._database = sessions.database(stream.source)
        self._control = MysqlControl(stream)
        self._open: Session | None = None

    def check(self) -> Sequence[Finding]:
        """Everything that is missing. Raises `SourceError` where the server cannot be asked."""
        with sessions.told("checking the source"):
            session = self._session()
            return [
                *_log(session),
                *_settings(session),
                *_retention(session),
                *_rights(session),
                *_filters(session, self._database),
                *self._tables(session),
                *self._marker(session),
            ]

    def apply(self) -> Sequence[str]:
        """Set what is set while the server runs, and create the marker table."""
        with sessions.told("setting the source up"):
            session = self._session()
            wrong = [*_settings(session), *self._marker(session)]
            done = [finding.remedy for finding in wrong if finding.applies]
            for statement in done:
                rows(session, statement)
            return done

    def undo(self) -> Sequence[str]:
        """Remove the stream's markers, and their table with the last stream.

        The server's settings stay: others may rely on them by now.
        """
        with sessions.told("removing the stream from the source"):
            session = self._session()
            if not _exists(session, self._database, MARKER_TABLE):
                return []
            sql = f"DELETE FROM {MARKER_TABLE} WHERE stream = {session.escape(self._stream.name)}"  # noqa: S608
            done = [sql] if _affected(session, sql) else []
            others = f"SELECT 1 FROM {MARKER_TABLE} WHERE stream <> '' LIMIT 1"  # noqa: S608
            if not rows(session, others):
                done.append(f"DROP TABLE {MARKER_TABLE}")
                rows(session, done[-1])
            return done

    def close(self) -> None:
        """End its sessions."""
        self._control.close()
        if self._open is not None:
            self._open.close()
            self._open = None

    def _session(self) -> Session:
        if self._open is None:
            self._open = sessions.connect(self._stream.source)
        return self._open

    def _marker(self, session: Session) -> Iterator[Finding]:
        if not _exists(session, self._database, MARKER_TABLE):
            yield Finding(f"the table {MARKER_TABLE} is missing", MARKER_DDL)

    def _tables(self, session: Session) -> Iterator[Finding]:
        for table in self._stream.tables:
            try:
                self._control.relation(table.table, table.key)
            except SourceError as error:
                yield Finding(str(error), f"see to the table {table.table}", applies=False)
            else:
                schema, name = server.place(table.table, self._database)
                yield from _table(session, table.table, schema, name)


def _log(session: Session) -> Iterator[Finding]:
    known = sessions.variables(session, "log_bin", "server_id")
    if known.get("log_bin") != "ON":
        yield Finding(
            "the server writes no binlog (log_bin is OFF)",
            "start the server with log_bin=binlog and a server_id of its own",
            applies=False,
        )


def _settings(session: Session) -> Iterator[Finding]:
    wanted = NEEDED | _ALSO
    known = sessions.variables(session, *wanted, "server_id")
    for name, value in wanted.items():
        is_now = known.get(name)
        if is_now is not None and is_now.upper() != value:
            yield Finding(
                f"{name} is {is_now or 'empty'}; a stream needs {value or 'it empty'} (sessions"
                " that are open keep what they have: restart the application afterwards, and put"
                " the setting into the server's configuration)",
                f"SET GLOBAL {name} = {session.escape(value)}",
            )
        elif is_now is None and name in NEEDED:
            yield Finding(
                f"the server does not know {name}: it is older than MariaDB 10.5 and MySQL 8.0",
                "upgrade the server",
                applies=False,
            )
    if known.get("server_id") == "0":
        yield Finding(
            "server_id is 0, with which nobody may read the log", "SET GLOBAL server_id = 1"
        )


def _retention(session: Session) -> Iterator[Finding]:
    known = sessions.variables(session, "binlog_expire_logs_seconds", "expire_logs_days")
    seconds = int(float(known.get("binlog_expire_logs_seconds", "0")))
    seconds = seconds or int(float(known.get("expire_logs_days", "0")) * _DAY)
    if 0 < seconds < _DAY:
        yield Finding(
            f"binlogs are kept for {seconds} seconds: a relay that stands longer than that loses"
            " changes and needs a snapshot",
            "SET GLOBAL binlog_expire_logs_seconds = 604800",
            fatal=False,
            applies=False,
        )


def _rights(session: Session) -> Iterator[Finding]:
    try:
        server.end_of_log(session)
        server.binlogs(session)
    except pymysql.err.MySQLError as error:
        if error.args[0] != _NO_BINLOG:
            yield Finding(
                f"this user may not ask for the state of the log ({error.args[1]})",
                f"{_RIGHTS} (MariaDB: BINLOG MONITOR for the last)",
                applies=False,
            )
    granted = " ".join(str(row[0]).upper() for row in rows(session, "SHOW GRANTS"))
    if "REPLICATION SLAVE" not in granted and "ALL PRIVILEGES ON *.*" not in granted:
        yield Finding("this user may not read the log", _RIGHTS, applies=False)


_NO_BINLOG = 1381
"""SHOW BINARY LOGS where there are none: told by `_log`."""


def _filters(session: Session, database: str) -> Iterator[Finding]:
    """A server can leave databases out of its binlog, which no reader of it would notice."""
    try:
        known = server.filters(session)
    except pymysql.err.MySQLError:  # told by `_rights`
        return
    if known is None:
        return
    only, ignored = known
    if database in ignored or (only and database not in only):
        yield Finding(
            f"the server leaves the database {database} out of its binlog",
            "start it without binlog_ignore_db and binlog_do_db",
            applies=False,
        )


def _table(session: Session, table: str, schema: str, name: str) -> Iterator[Finding]:
    found = rows(
        session,
        "SELECT engine, table_type FROM information_schema.tables"
        " WHERE table_schema = %s AND table_name = %s",
        (schema, name),
    )
    engine, kind = (str(value) for value in found[0])
    if kind == "SYSTEM VERSIONED":
        yield Finding(
            f"table {table} keeps its history in itself (system versioning): old versions would"
            " come as rows of their own",
            f"ALTER TABLE {quoted(schema)}.{quoted(name)} DROP SYSTEM VERSIONING",
            applies=False,
        )
    elif kind != "BASE TABLE":
        yield Finding(f"{table} is a view, which has no changes", "name its tables", applies=False)
    elif engine not in _TRANSACTIONAL:
        yield Finding(
            f"table {table} has no transactions (engine {engine}): a snapshot's chunk may miss a"
            " change that is logged before it is visible",
            f"ALTER TABLE {quoted(schema)}.{quoted(name)} ENGINE=InnoDB",
            fatal=False,
            applies=False,
        )
    yield from _cascades(session, table, schema, name)


def _cascades(session: Session, table: str, schema: str, name: str) -> Iterator[Finding]:
    """Rows that a foreign key changes are changed by the engine, and not logged."""
    acting = rows(
        session,
        "SELECT constraint_name, delete_rule, update_rule"
        " FROM information_schema.referential_constraints"
        " WHERE constraint_schema = %s AND table_name = %s AND"
        " (delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT')"
        " OR update_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))",
        (schema, name),
    )
    for constraint, on_delete, on_update in acting:
        yield Finding(
            f"the foreign key {constraint} of {table} changes rows by itself (ON DELETE"
            f" {on_delete}, ON UPDATE {on_update}), and the server does not log those changes",
            f"ALTER TABLE {quoted(schema)}.{quoted(name)} DROP FOREIGN KEY"
            f" {quoted(str(constraint))}, and add it again with RESTRICT",
            applies=False,
        )


def _exists(session: Session, schema: str, name: str) -> bool:
    sql = "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s"
    return bool(rows(session, sql, (schema, name)))


def _affected(session: Session, sql: str) -> int:
    with session.cursor() as cursor:
        return int(cursor.execute(sql))
