import psycopg
import pytest
from support.kafka import tansu
from support.pipes import Pipe
from support.shared import new_database, shared_postgres


@pytest.fixture(scope="session")
def cluster():
    with shared_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def broker():
    with tansu() as address:
        yield address


@pytest.fixture
def source(cluster):
    """URL of an empty database; its slots are dropped afterwards, as a cluster has few."""
    url = new_database(cluster, "relay")
    name = url.rpartition("/")[2].partition("?")[0]
    yield url
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
            " WHERE database = %s AND active",
            (name,),
        )
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE database = %s AND NOT active",
            (name,),
        )


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
