import pytest
from support.appliers import Bench
from support.databases import postgres
from support.shared import a_database, shared_postgres


@pytest.fixture(scope="session")
def pg_server():
    with shared_postgres(postgres) as server:
        yield server


@pytest.fixture
def pg(pg_server):
    """URL of an empty PostgreSQL database."""
    with a_database(pg_server, "applier") as url:
        yield url


@pytest.fixture
def shop(pg):
    """Makes a bench on PostgreSQL: `shop(ddl, *tables, **stream)`."""
    made = []

    def make(ddl, *tables, **more):
        made.append(Bench(pg, ddl, *tables, **more))
        return made[-1]

    yield make
    for bench in made:
        bench.close()
