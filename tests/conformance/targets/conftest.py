import uuid

import psycopg
import pymysql
import pytest
from sqlalchemy import make_url
from support.appliers import Bench
from support.databases import mariadb, postgres, postgres_url


@pytest.fixture(scope="session")
def pg_server():
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def maria_url():
    with mariadb() as url:
        yield url


def _postgres(request, name):
    server = request.getfixturevalue("pg_server")
    with psycopg.connect(postgres_url(server), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres_url(server, name)


def _mariadb(request, name):
    url = make_url(request.getfixturevalue("maria_url"))
    with pymysql.connect(unix_socket=url.host.replace("%2F", "/"), user="root") as connection:
        connection.cursor().execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    return url.set(database=name).render_as_string()


def _sqlite(request, name):
    return f"sqlite:///{request.getfixturevalue('tmp_path')}/{name}.db"


KINDS = {"postgresql": _postgres, "mariadb": _mariadb, "sqlite": _sqlite}


@pytest.fixture(params=KINDS)
def url(request):
    """URL of an empty database, of each kind of target in turn."""
    return KINDS[request.param](request, f"t{uuid.uuid4().hex}")


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
        shared_urls[kind] = KINDS[kind](request, f"t{uuid.uuid4().hex}")
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
