"""Ordinary sessions on the server, and what its errors mean."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator, Iterator, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

import pymysql
from pymysql import converters
from pymysql.connections import Connection
from pymysql.constants import CLIENT
from pymysql.cursors import SSCursor

from cdc.relay.ports import SourceError
from strangler.kit.databases import mysql_tls

Session: TypeAlias = "Connection[Any]"
ANSWER_WITHIN = 60
"""Seconds that a statement may take, a snapshot's chunk included."""
CONNECT_WITHIN = 10

_PERMANENT = {
    1044, 1045, 1049, 1054, 1064, 1142, 1143, 1146, 1193, 1227, 1231, 1305, 1370,
}  # fmt: skip
"""Errors that another try cannot mend: rights, names, syntax. All others may be temporary."""


def settings(url: str) -> dict[str, Any]:
    """PyMySQL's arguments for a URL: `mysql://user:password@host:3306/database?ssl_ca=FILE`.

    A host that is a path, percent-encoded, is a Unix socket. The query takes PyMySQL's own `ssl_*`
    arguments (see `mysql_tls`). Plain values, so that they can be handed to another process.
    """
    parts = urlsplit(url)
    host = unquote(parts.hostname or "127.0.0.1")
    if host.startswith("/"):
        # urlsplit makes a host's letters small, and a path's must stay as they are.
        network = parts.netloc.rpartition("@")[2]
        where: dict[str, Any] = {"unix_socket": unquote(network)}
    else:
        where = {"host": host, "port": parts.port or 3306}
    return {
        **where,
        "user": unquote(parts.username or "root"),
        "password": unquote(parts.password or ""),
        "charset": "utf8mb4",
        "connect_timeout": CONNECT_WITHIN,
        **mysql_tls(url),
    }


def database(url: str) -> str:
    """The database that a URL names."""
    return unquote(urlsplit(url).path.lstrip("/"))


@contextlib.contextmanager
def told(doing: str) -> Iterator[None]:
    """Raise `SourceError` for what the driver raises."""
    try:
        yield
    except pymysql.err.MySQLError as error:
        number = error.args[0] if error.args else 0
        said = error.args[1] if len(error.args) > 1 else error
        raise SourceError(f"{doing}: {said}", temporary=number not in _PERMANENT) from error
    except OSError as error:
        raise SourceError(f"{doing}: {error}", temporary=True) from error


def opened(**given: Any) -> Session:
    """PyMySQL's session over a socket of ours: it leaves its own open where it is refused."""
    session = pymysql.connect(**given, defer_connect=True)
    end = given.get("unix_socket")
    if end is None:
        link = socket.create_connection((given["host"], given["port"]), CONNECT_WITHIN)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    else:
        link = socket.socket(socket.AF_UNIX)
    try:
        link.settimeout(CONNECT_WITHIN)
        if end is not None:
            link.connect(end)
        session.connect(link)
    except BaseException:
        link.close()
        raise
    return session


def connect(url: str) -> Session:
    """A session in UTC that autocommits and hands values over as they stand on the wire.

    `sql_mode` is set so that zero dates can be read and written and quotes mean what they say
    here, and the isolation is the one in which gaps are locked, whatever the server's defaults are.
    Raises `SourceError`.
    """
    with told("connecting to the source"):
        session = opened(
            **settings(url),
            database=database(url),
            autocommit=True,
            read_timeout=ANSWER_WITHIN,
            write_timeout=ANSWER_WITHIN,
            conv=dict(converters.encoders),  # and no decoders
            client_flag=CLIENT.FOUND_ROWS,
        )
        try:
            rows(session, "SET time_zone = '+00:00', sql_mode = ''")
            rows(session, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        except BaseException:
            session.close()
            raise
        return session


def rows(session: Session, sql: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
    """The answer to a statement."""
    with session.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def each(session: Session, sql: str) -> Generator[tuple[Any, ...], None, None]:
    """The rows of an answer as they come.

    A session whose answer was not read to its end is of no more use: its owner closes it.
    """
    cursor = session.cursor(SSCursor)
    cursor.execute(sql)
    result = cursor._result  # noqa: SLF001 - it has no other way to be left alone
    try:
        yield from cursor
    finally:
        # Else the driver would read on to the end when it forgets them.
        result.unbuffered_active = False
        cursor.connection = None


def variables(session: Session, *names: str) -> dict[str, str]:
    """Global variables by name; those that the server does not have are left out."""
    listed = ", ".join(["%s"] * len(names))
    found = rows(session, f"SHOW GLOBAL VARIABLES WHERE variable_name IN ({listed})", names)
    return {str(name).lower(): str(value) for name, value in found}


def quoted(name: str) -> str:
    """An identifier in backquotes."""
    return "`" + name.replace("`", "``") + "`"


def is_mariadb(session: Session) -> bool:
    """Whether the server is MariaDB rather than MySQL."""
    return "mariadb" in str(rows(session, "SELECT VERSION()")[0][0]).lower()
