"""What every guard must do, on each database, with the sessions that meet it in real life."""

import threading

import psycopg
import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError
from support.databases import mariadb, postgres
from support.shared import a_database, a_name, shared_mariadb, shared_postgres

from cdc.applier.targets import open_target
from cdc.guards import GuardError, State, guard_of

TABLES = ["orders", "items"]


@pytest.fixture(scope="module")
def pg_server():
    with shared_postgres(postgres) as server:
        yield server


@pytest.fixture(scope="module")
def maria_server():
    with shared_mariadb(mariadb) as server:
        yield server


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/{a_name('guard')}.db"
        return
    server = "pg_server" if request.param == "postgresql" else "maria_server"
    with a_database(request.getfixturevalue(server), "guard") as url:
        yield url


@pytest.fixture
def applier(url):
    """The target as the applier opens it."""
    target = open_target(url, "shop")
    yield target
    target.engine.dispose()


@pytest.fixture
def people(url, applier):
    """An engine as everybody else has it."""
    if applier.engine.dialect.name == "sqlite":
        engine = create_engine(url, connect_args={"timeout": 10})
        event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
        event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    elif applier.engine.dialect.name == "postgresql":
        engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    else:
        engine = create_engine(applier.engine.url)
    with engine.begin() as connection:
        for table in TABLES:
            connection.execute(text(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, x INTEGER)"))
        connection.execute(text("CREATE TABLE others (id INTEGER PRIMARY KEY)"))
        connection.execute(text("INSERT INTO orders VALUES (1, 1)"))
    yield engine
    engine.dispose()


@pytest.fixture
def guard(applier, people):
    return guard_of(applier.engine, "shop", TABLES)


def do(engine, *statements):
    with engine.begin() as connection:
        for statement in statements:
            if callable(statement):
                statement(connection)
            else:
                connection.execute(text(statement))


WRITES = [
    "INSERT INTO orders VALUES (2, 2)",
    "UPDATE orders SET x = 3",
    "DELETE FROM orders",
    "INSERT INTO items VALUES (1, 1)",
]


def test_a_guard_is_missing_then_open_then_closed_then_open(guard, people):
    def state():
        with people.begin() as connection:
            return guard.state(connection)

    assert state() is State.MISSING
    do(people, guard.install)
    assert state() is State.OPEN
    do(people, guard.close)
    assert state() is State.CLOSED
    do(people, guard.install)
    assert state() is State.CLOSED, "installed again, it keeps its state"
    do(people, guard.open)
    assert state() is State.OPEN
    do(people, guard.remove)
    assert state() is State.MISSING


@pytest.mark.parametrize("write", WRITES)
def test_everybody_writes_while_it_is_open(guard, people, write):
    do(people, guard.install)
    do(people, write)


@pytest.mark.parametrize("write", WRITES)
def test_nobody_writes_while_it_is_closed(guard, people, write):
    do(people, guard.install)
    do(people, guard.close)
    with pytest.raises(DBAPIError, match=r"not.written.here"):
        do(people, write)
    do(people, guard.open)
    do(people, write)


def test_reading_goes_on(guard, people):
    do(people, guard.install)
    do(people, guard.close)
    with people.begin() as connection:
        assert connection.execute(text("SELECT x FROM orders")).scalars().all() == [1]


@pytest.mark.parametrize("write", WRITES)
def test_the_applier_passes(guard, people, applier, write):
    do(people, guard.install)
    do(people, guard.close)
    with applier.engine.connect() as connection:
        with connection.begin():
            applier.prepare(connection)
        with connection.begin():
            applier.begin(connection)
            connection.execute(text(write))


def test_an_aborted_close_closes_nothing(guard, people):
    do(people, guard.install)
    with pytest.raises(ZeroDivisionError), people.begin() as connection:
        guard.close(connection)
        raise ZeroDivisionError
    do(people, WRITES[0])


def test_closing_waits_for_the_writer_inside_and_keeps_the_next_one_out(guard, people):
    do(people, guard.install)
    inside, closed = threading.Event(), threading.Event()

    def close():
        inside.wait(10)
        do(people, guard.close)
        closed.set()

    thread = threading.Thread(target=close)
    thread.start()
    with people.begin() as connection:
        connection.execute(text(WRITES[0]))
        inside.set()
        assert not closed.wait(0.5), "closed while a writer was inside"
    thread.join(20)
    assert closed.is_set()
    with people.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM orders")).scalar() == 2
    with pytest.raises(DBAPIError):
        do(people, WRITES[2])


def test_a_transaction_that_began_before_cannot_write_after(guard, people):
    """An old snapshot must not remember an open guard."""
    if people.dialect.name == "sqlite":
        pytest.skip("SQLite's writers come one at a time: none can have begun before")
    do(people, guard.install)
    with people.connect() as connection, pytest.raises(DBAPIError), connection.begin():
        connection.execute(text("SELECT count(*) FROM others")).scalar()  # takes a snapshot
        do(people, guard.close)
        connection.execute(text(WRITES[0]))


def test_a_writer_who_stays_inside_is_not_waited_for_without_end(guard, people):
    if people.dialect.name == "sqlite":
        pytest.skip("SQLite's own busy time limit bounds the wait")
    do(people, guard.install)
    with people.begin() as connection:
        connection.execute(text(WRITES[0]))
        with pytest.raises(GuardError, match="a writer has held"):
            do(people, guard.close)
    with people.begin() as connection:
        assert guard.state(connection) is State.OPEN


def test_a_guard_that_is_not_installed_cannot_be_closed(guard, people):
    with pytest.raises(GuardError, match="not installed"):
        do(people, guard.close)


def test_two_streams_guards_of_one_table_do_not_disturb_one_another(applier, people):
    first, second = (guard_of(applier.engine, name, TABLES) for name in ("shop", "other"))
    for guard in (first, second):
        do(people, guard.install)
    do(people, first.close)
    do(people, second.remove)
    with people.begin() as connection:
        assert first.state(connection) is State.CLOSED
        assert second.state(connection) is State.MISSING
    with pytest.raises(DBAPIError):
        do(people, WRITES[0])
