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
from support.shared import a_database, a_name, shared_mariadb, shared_postgres


def _sources(package, name):
    if not hasattr(pytest.importorskip(package), name):
        pytest.skip(f"{package} has no {name} yet")


@pytest.fixture(scope="session")
def postgresql_server():
    _sources("cdc.sources.postgres", "PostgresPreflight")
    with shared_postgres() as server:
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
    with shared_mariadb() as server:
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
    if kind == "sqlite":
        with contextlib.closing(_sqlite(folder)) as database:
            yield database
        return
    server = request.getfixturevalue(f"{kind}_server")
    with a_database(server, "suite") as url:
        opened = (
            _mariadb(server, url, folder) if kind == "mariadb" else PostgresDatabase(url, folder)
        )
        with contextlib.closing(opened) as database:
            yield database


def _sqlite(folder):
    path = folder / f"{a_name('suite')}.sqlite3"
    path.touch()
    database = SqliteDatabase(f"sqlite:///{path}", folder)
    database.execute("PRAGMA journal_mode = WAL")
    return database


def _mariadb(server, url, folder):
    name = url.rpartition("/")[2]
    return MariadbDatabase(url, folder, lambda: server.connect(name))
