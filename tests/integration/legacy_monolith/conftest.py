"""Served shops for the tests of a process, one per database; who counts stock uses own products."""

import pytest
from support import databases
from support.shared import new_database, shared_mariadb, shared_postgres

from tests.integration.legacy_monolith.shop_process import Browser, shop


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="session")
def sqlite_port(shop_folder):
    with shop(shop_folder, f"sqlite:///{shop_folder}/shop.sqlite3") as port:
        yield port


@pytest.fixture(scope="session")
def postgresql_port(tmp_path_factory):
    with shared_postgres(databases.postgres) as server:
        url = new_database(server, "shop")
        with shop(tmp_path_factory.mktemp("postgresql"), url) as port:
            yield port


@pytest.fixture(scope="session")
def mariadb_port(tmp_path_factory):
    with shared_mariadb(databases.mariadb) as server:
        url = new_database(server, "shop")
        with shop(tmp_path_factory.mktemp("mariadb"), url) as port:
            yield port


@pytest.fixture
def visitor(sqlite_port):
    return Browser(sqlite_port)


@pytest.fixture(scope="session")
def member(sqlite_port):
    return Browser(sqlite_port).log_in("member1")


@pytest.fixture(scope="session")
def staff(sqlite_port):
    return Browser(sqlite_port).log_in("admin")
