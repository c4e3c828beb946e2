"""The databases that every test of this folder is asked of."""

import contextlib
import itertools

import psycopg
import pytest
from conformance.sources.adapters import DIALECTS, PostgresDatabase, SqliteDatabase
from support import databases

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_cluster():
    if not hasattr(pytest.importorskip("cdc.sources.postgres"), "PostgresSource"):
        pytest.skip("there is no source for PostgreSQL yet")
    with databases.logical_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server():
    if not hasattr(pytest.importorskip("cdc.sources.mysql"), "MysqlControl"):
        pytest.skip("there is no source for MariaDB yet")
    support = pytest.importorskip("support.mariadb")
    with support.binlog_mariadb() as server:
        yield server


@pytest.fixture(params=DIALECTS)
def database(request, tmp_path):
    """An empty database of each kind."""
    with make(request, request.param, tmp_path) as database:
        yield database


@contextlib.contextmanager
def make(request, kind, tmp_path):
    opened = _OPEN[kind](request, tmp_path, f"suite{next(_numbers)}")
    try:
        yield opened
    finally:
        opened.close()


def _sqlite(request, tmp_path, name):
    path = tmp_path / f"{name}.sqlite3"
    path.touch()
    database = SqliteDatabase(f"sqlite:///{path}", tmp_path)
    database.execute("PRAGMA journal_mode = WAL")
    return database


def _postgres(request, tmp_path, name):
    server = request.getfixturevalue("postgres_cluster")
    with psycopg.connect(databases.postgres_url(server), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return PostgresDatabase(databases.postgres_url(server, name), tmp_path)


def _mariadb(request, tmp_path, name):
    pytest.skip(f"{request.getfixturevalue('mariadb_server')}: no adapter for {name} yet")


_OPEN = {"sqlite": _sqlite, "postgresql": _postgres, "mariadb": _mariadb}
