"""Servers that tests share: the one that the environment names, else one of each kind a process.

    STRANGLER_TEST_POSTGRES   URL of a superuser, on a server with wal_level = logical
    STRANGLER_TEST_MARIADB    URL of a user who may do everything, on a server with a binlog by rows
    STRANGLER_TEST_KAFKA      HOST:PORT of an Apache Kafka

Each test makes databases and topics with names of its own there. Those of `a_database` are dropped
with the test: a slot that stays has its server keep all that is logged from then on. All others go
in the end.
Tests that stop or kill a server, give it settings, need a version of it or read its log as a whole
start one of their own, whatever is named here: they use `support.databases`, `support.mariadb` and
`support.kafka` themselves.
"""

from __future__ import annotations

import contextlib
import functools
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pymysql
from confluent_kafka.admin import AdminClient
from pymysql.constants import CLIENT

from support import databases, mariadb
from support.kafka import QUIET, tansu
from support.kept import kept

POSTGRES, MARIADB, KAFKA = (
    os.environ.get(f"STRANGLER_TEST_{name}") for name in ("POSTGRES", "MARIADB", "KAFKA")
)


def a_name(kind: str) -> str:
    """A name that no other test has, nor another process of tests, nor whoever owns the server."""
    return f"{kind}_{uuid.uuid4().hex[:16]}"


_running = contextlib.ExitStack()


@functools.cache
def _ours(own: Callable[[], AbstractContextManager[object]]) -> object:
    return _running.enter_context(own())


def close() -> None:
    """End what this process has started; the next test would start it again."""
    _ours.cache_clear()
    _running.close()


@contextlib.contextmanager
def shared_postgres(own=databases.logical_postgres) -> Iterator[object]:
    """A PostgreSQL server: the named one, else what `own` has started; for `a_database`."""
    with given(GivenPostgres, POSTGRES) if POSTGRES else nullcontext(_ours(own)) as server:
        yield server


@contextlib.contextmanager
def shared_mariadb(own=mariadb.binlog_mariadb) -> Iterator[object]:
    """Likewise a MariaDB server."""
    with given(GivenMariadb, MARIADB) if MARIADB else nullcontext(_ours(own)) as server:
        yield server


@contextlib.contextmanager
def shared_tansu() -> Iterator[str]:
    """`host:port` of the embedded broker."""
    yield _ours(tansu)


def shared_kafka() -> str:
    """`host:port` of an Apache Kafka: the named one, else the one of this run of tests."""
    return KAFKA or kept("kafka")


def forget_topics(prefix: str) -> None:
    """Delete a test's topics from a Kafka that stays."""
    if not KAFKA:
        return
    admin = AdminClient({"bootstrap.servers": KAFKA, "logger": QUIET})
    if topics := [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]:
        for done in admin.delete_topics(topics).values():
            done.result(30)


@contextlib.contextmanager
def a_database(server: object, kind: str) -> Iterator[str]:
    """URL of an empty database on whatever a fixture above has given, for the block."""
    url = new_database(server, kind)
    try:
        yield url
    finally:
        drop(server, url)


def drop(server: object, url: str) -> None:
    """Drop a database, with what its streams have in the server as a whole."""
    name = urlsplit(url).path.lstrip("/")
    if isinstance(server, str):
        with _plain(server) as connection:
            connection.cursor().execute(f"DROP DATABASE IF EXISTS {name}")
    elif url.startswith("mysql"):
        server.run(f"DROP DATABASE IF EXISTS `{name}`", database=None)
    else:
        with psycopg.connect(at(url, "postgres"), autocommit=True) as connection:
            _drop(connection, url)


def _drop(connection: psycopg.Connection, url: str) -> None:
    name, origins = urlsplit(url).path.lstrip("/"), _origins(url)
    connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    connection.execute(
        "SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots"
        " WHERE database = %s AND active",
        (name,),
    )
    connection.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s",
        (name,),
    )
    connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    connection.execute(f'DROP ROLE IF EXISTS "role_{name}"')  # `limited_role` of the pipes
    for origin in origins:
        with contextlib.suppress(psycopg.errors.ObjectInUse):  # by a stream of the same name
            connection.execute(
                "SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin"
                " WHERE roname = %s",
                (f"strangler:{origin}",),
            )


def _origins(url: str) -> list[str]:
    """The streams that were applied into a database."""
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('strangler_stream')").fetchone()[0] is None:
            return []
        return [row[0] for row in connection.execute("SELECT stream FROM strangler_stream")]


def new_database(server: object, kind: str) -> str:
    """Likewise for as long as the server runs."""
    name = a_name(kind)
    if isinstance(server, str):  # the plain MariaDB's
        with _plain(server) as connection:
            connection.cursor().execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return at(server, name)
    if isinstance(server, mariadb.Server):
        return mariadb.fresh(server, name)
    if hasattr(server, "create"):
        return server.create(name)
    with psycopg.connect(databases.postgres_url(server), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return databases.postgres_url(server, name)


def _plain(url: str) -> pymysql.Connection:
    """A session on the plain MariaDB."""
    socket = unquote(urlsplit(url).netloc.rpartition("@")[2])
    return pymysql.connect(unix_socket=socket, user="root", ssl_disabled=True)


def at(url: str, database: str) -> str:
    """The URL of another database of a server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def store_url(url: str) -> str:
    """The URL as SQLAlchemy takes it: the folder of a socket is a parameter."""
    parts = urlsplit(url.replace("postgresql://", "postgresql+psycopg://", 1))
    user, _, host = parts.netloc.rpartition("@")
    if "%2F" not in host:
        return parts.geturl()
    return urlunsplit(parts._replace(netloc=f"{user}@", query=f"host={unquote(host)}"))


@contextlib.contextmanager
def given(kind, url: str) -> Iterator[object]:
    """A server that somebody else has started; what is made there is dropped in the end."""
    server = kind(url)
    try:
        yield server
    finally:
        server.close()


class GivenPostgres:
    """Has of `databases.Cluster` what does not touch the server itself."""

    def __init__(self, url: str) -> None:
        self._url, self._made = url, []
        with psycopg.connect(url) as connection:
            (level,) = connection.execute("SHOW wal_level").fetchone()
        assert level == "logical", f"STRANGLER_TEST_POSTGRES has wal_level = {level}"

    def url(self, database: str | None = None) -> str:
        return at(self._url, database) if database else self._url

    def create(self, name: str, options: str = "") -> str:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" {options}')
        self._made.append(name)
        return self.url(name)

    def close(self) -> None:
        """Drop the databases, with what streams of theirs left in the server as a whole."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            known = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            for name in self._made:
                if name in known:
                    _drop(connection, self.url(name))


class GivenMariadb:
    """Has of `mariadb.Server` what does not touch the server itself."""

    def __init__(self, url: str) -> None:
        self._url, self._made = url, []

    def url(self, database: str) -> str:
        return at(self._url, database)

    def create(self, name: str) -> str:
        self.run(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4", database=None)
        self._made.append(name)
        return self.url(name)

    def connect(self, database: str | None = None, **more) -> pymysql.Connection:
        parts = urlsplit(self._url)
        host = unquote(parts.netloc.rpartition("@")[2].partition(":")[0])
        where = {"unix_socket": host} if "/" in host else {"host": host, "port": parts.port or 3306}
        return pymysql.connect(
            **where, user=unquote(parts.username or "root"), password=unquote(parts.password or ""),
            database=database, autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS,
            charset="utf8mb4", **more,
        )  # fmt: skip

    def run(self, *statements: str, database: str | None) -> list[tuple]:
        """Run statements in one session; the rows of the last."""
        with self.connect(database) as session, session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def close(self) -> None:
        for name in self._made:
            self.run(f"DROP DATABASE IF EXISTS `{name}`", database=None)
