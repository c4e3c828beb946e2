"""A DATABASE_URL as people write it, and the pool of threads behind it."""

import asyncio
import contextlib
import threading

import pytest
from sqlalchemy import Connection, MetaData, text

from services.common.database import Database, database_url, open_engine
from services.common.errors import UnavailableError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sqlite:///a/b.sqlite3", "sqlite:///a/b.sqlite3"),
        ("postgres://u:p@h:5/d", "postgresql+psycopg://u:p@h:5/d"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d?sslmode=require", None),
        ("postgresql://u@%2Ftmp%2Fa%20b/d", "postgresql+psycopg://u@/d?host=%2Ftmp%2Fa+b"),
        ("postgresql://u@%2ftmp:5433/d", "postgresql+psycopg://u@:5433/d?host=%2Ftmp"),
        ("postgresql://u@/d?host=/tmp", "postgresql+psycopg://u@/d?host=%2Ftmp"),
    ],
)
def test_database_url(text, expected):
    assert database_url(text).render_as_string(hide_password=False) == (expected or text)


@pytest.fixture
def database(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/new/a.sqlite3")
    opened = Database(engine, MetaData(), threads=1, most_waiting=1)
    yield opened
    opened.close()


async def test_beyond_the_queue_there_is_no_waiting(database):
    go_on = threading.Event()

    def wait(_connection: Connection) -> bool:
        return go_on.wait(20)

    async with asyncio.TaskGroup() as group:
        inside = [group.create_task(database.run(wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError, match="Too many"):
            await database.run(wait)
        go_on.set()
    assert [task.result() for task in inside] == [True, True]
    assert await database.run(wait)


async def test_nobody_waits_for_ever_and_late_work_keeps_its_place(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/a.sqlite3")
    database = Database(engine, MetaData(), threads=1, most_waiting=0, answer_timeout=0.05)
    go_on = threading.Event()

    def wait_and_fail(_connection: Connection) -> None:
        go_on.wait(20)
        raise LookupError  # Nobody hears of it, and nothing complains about that.

    with pytest.raises(UnavailableError, match="in time"):
        await database.run(wait_and_fail)
    with pytest.raises(UnavailableError, match="Too many"):
        await database.run(wait_and_fail)
    go_on.set()
    assert await answered(database)
    database.close()


async def answered(database: Database) -> bool:
    """Whether the database is asked again once the late work is done."""
    for _ in range(400):
        with contextlib.suppress(UnavailableError):
            return await database.run(lambda _connection: True)
        await asyncio.sleep(0.02)
    return False


async def test_work_that_fails_leaves_nothing(database):
    def create(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE numbers (number INTEGER)"))

    def insert_and_fail(connection: Connection, number: int) -> None:
        connection.execute(text("INSERT INTO numbers VALUES (:number)"), {"number": number})
        raise LookupError

    def count(connection: Connection) -> int | None:
        return connection.scalar(text("SELECT count(*) FROM numbers"))

    await database.run(create)
    with pytest.raises(LookupError):
        await database.run(insert_and_fail, 1)
    assert await database.run(count) == 0


async def test_a_database_that_does_not_answer(tmp_path):
    database = Database(open_engine(f"sqlite:///{tmp_path}"), MetaData())
    with pytest.raises(UnavailableError, match="does not answer"):
        await database.run(lambda connection: connection)
    database.close()
