import psycopg
import pytest
from support.pipes import Pipe
from support.shared import a_database, shared_postgres, shared_tansu


@pytest.fixture(scope="session")
def cluster():
    with shared_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def broker():
    with shared_tansu() as address:
        yield address


@pytest.fixture
def source(cluster):
    """URL of an empty database."""
    with a_database(cluster, "relay") as url:
        yield url


@pytest.fixture
def sql(source):
    """Runs statements at the source, each its own transaction."""
    with psycopg.connect(source, autocommit=True) as connection:

        def run(*statements):
            return [connection.execute(statement) for statement in statements][-1]

        yield run


@pytest.fixture
def pipe(tmp_path, broker, source, sql):
    """Makes a pipe: `pipe("table", …, ddl=…, **stream)`."""

    def make(*tables, ddl=(), **more):
        sql(*([ddl] if isinstance(ddl, str) else ddl), "SELECT 1")
        return Pipe(tmp_path, broker, source, tables, **more)

    return make
