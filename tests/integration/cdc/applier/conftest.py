import pytest
from support.databases import postgres, postgres_url


@pytest.fixture(scope="session")
def pg_server():
    with postgres() as server:
        yield server


@pytest.fixture
def pg(pg_server, worker_database):
    """URL of an empty PostgreSQL database."""
    pg_server.psql(f'CREATE DATABASE "{worker_database}"')
    return postgres_url(pg_server, worker_database)


@pytest.fixture
def worker_database(request):
    import uuid

    return f"t{uuid.uuid4().hex}"
