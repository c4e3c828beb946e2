"""The monolith, and beside it both services with copies of its rows, on either database."""

import pytest
from support import databases
from support.shared import new_database, shared_postgres

from tests.integration.legacy_monolith.shop_process import Browser, shop
from tests.integration.services.copying import copy, streams
from tests.integration.services.service_process import served


@pytest.fixture(scope="session")
def legacy_url(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('shop')}/shop.sqlite3"


@pytest.fixture(scope="session")
def legacy(tmp_path_factory, legacy_url):
    with shop(tmp_path_factory.mktemp("files"), legacy_url) as port:
        yield Browser(port)


@pytest.fixture(scope="session")
def postgres():
    """Gives the URL of an empty database for each name; skips where no server can be started.

    A name may be asked for again: tests that were stolen by another process come in any order, and
    the fixtures below are then made once more.
    """
    with shared_postgres(databases.postgres) as server:
        yield lambda service: new_database(server, service)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database_urls(request, tmp_path_factory):
    """Service to URL of an empty database of its own."""
    if request.param == "postgresql":
        return {name: request.getfixturevalue("postgres")(name) for name in ("reviews", "notices")}
    folder = tmp_path_factory.mktemp("services")
    return {name: f"sqlite:///{folder}/{name}.sqlite3" for name in ("reviews", "notices")}


@pytest.fixture(scope="session")
def copied(database_urls, legacy, legacy_url):
    """Service to URL of its database, with everything that the monolith has."""
    for stream in streams(legacy_url, database_urls).values():
        copy(stream)
    return database_urls


@pytest.fixture(scope="session")
def reviews(copied):
    with served("reviews", copied["reviews"]) as process:
        yield Browser(process.port)


@pytest.fixture(scope="session")
def notices(copied):
    with served("notices", copied["notices"]) as process:
        yield Browser(process.port)
