import pytest
from support.appliers import Bench
from support.databases import mariadb, postgres
from support.shared import a_database, a_name, new_database, shared_mariadb, shared_postgres


@pytest.fixture(scope="session")
def pg_server():
    with shared_postgres(postgres) as server:
        yield server


@pytest.fixture(scope="session")
def maria_server():
    with shared_mariadb(mariadb) as server:
        yield server


SERVERS = {"postgresql": "pg_server", "mariadb": "maria_server"}


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def url(request, tmp_path):
    """URL of an empty database, of each kind of target in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/{a_name('target')}.db"
        return
    server = request.getfixturevalue(SERVERS[request.param])
    with a_database(server, "target") as url:
        yield url


@pytest.fixture(scope="session")
def shared_urls():
    """URLs of databases that the tests of a process share, by kind."""
    return {}


@pytest.fixture
def shared_url(request, shared_urls, tmp_path_factory):
    """Likewise of the one whose kind is asked for: quick, for tests with tables of their own."""
    kind = request.param
    if kind == "sqlite":
        shared_urls.setdefault(kind, f"sqlite:///{tmp_path_factory.mktemp('shared')}/shared.db")
    if kind not in shared_urls:
        shared_urls[kind] = new_database(request.getfixturevalue(SERVERS[kind]), "target")
    return shared_urls[kind]


@pytest.fixture
def shop(url):
    """Makes a bench: `shop(ddl, *tables, **stream)`."""
    made = []

    def make(ddl, *tables, **more):
        made.append(Bench(url, ddl, *tables, **more))
        return made[-1]

    yield make
    for bench in made:
        bench.close()
