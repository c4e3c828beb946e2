"""The databases that every test of this folder is asked of."""

import contextlib

import pytest
from conformance.sources.adapters import (
    DIALECTS,
    MariadbDatabase,
    PostgresDatabase,
    SqliteDatabase,
)
from support import databases
from support.matrix import sampled
from support.shared import a_name


def _sources(package, name):
    if not hasattr(pytest.importorskip(package), name):
        pytest.skip(f"{package} has no {name} yet")


@pytest.fixture(scope="session")
def postgresql_server():
    _sources("cdc.sources.postgres", "PostgresPreflight")
    with databases.logical_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql15_server():
    _sources("cdc.sources.postgres", "PostgresPreflight")
    with databases.logical_postgres(databases.debian_postgres(15)) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql16_server():
    with databases.logical_postgres(databases.wheel_postgres16()) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server():
    _sources("cdc.sources.mysql", "MysqlPreflight")
    support = pytest.importorskip("support.mariadb")
    with support.binlog_mariadb() as server:
        yield server


@pytest.fixture(params=sampled(DIALECTS, "sqlite", "postgresql", "postgresql15", "mariadb"))
def database(request, tmp_path):
    """An empty database of each kind."""
    with make(request, request.param, tmp_path) as database:
        yield database


@pytest.fixture
def make_database(request, tmp_path):
    """Makes empty databases of one kind, for tests that need more than one."""
    with contextlib.ExitStack() as stack:
        yield lambda kind: stack.enter_context(make(request, kind, tmp_path))


@contextlib.contextmanager
def make(request, kind, folder):
    name = a_name("suite")
    if kind == "sqlite":
        opened = _sqlite(folder, name)
    else:
        server = request.getfixturevalue(f"{kind}_server")
        opened = (
            _mariadb(server, folder, name) if kind == "mariadb" else _postgres(server, folder, name)
        )
    try:
        yield opened
    finally:
        opened.close()


def _sqlite(folder, name):
    path = folder / f"{name}.sqlite3"
    path.touch()
    database = SqliteDatabase(f"sqlite:///{path}", folder)
    database.execute("PRAGMA journal_mode = WAL")
    return database


def _postgres(server, folder, name):
    return PostgresDatabase(server.create(name), folder)


def _mariadb(server, folder, name):
    support = pytest.importorskip("support.mariadb")
    return MariadbDatabase(support.fresh(server, name), folder, lambda: server.connect(name))
