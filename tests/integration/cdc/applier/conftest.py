import uuid

import psycopg
import pytest
from support.appliers import Bench
from support.databases import postgres, postgres_url


@pytest.fixture(scope="session")
def pg_server():
    with postgres() as server:
        yield server


@pytest.fixture
def pg(pg_server):
    """URL of an empty PostgreSQL database."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url(pg_server), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres_url(pg_server, name)


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
