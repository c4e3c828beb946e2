"""One table, `item`, in any database, and whoever writes into it while it is relayed."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import InterfaceError, OperationalError

from cdc.applier.targets import open_target
from cdc.sources.mysql import sessions

TABLE = "CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER, body VARCHAR(500))"
PAUSE = 0.004
"""Seconds between two transactions, so that a test's data stays small."""


def engine_of(url: str) -> Engine:
    """Sessions on a database, patient where others hold its lock."""
    if url.startswith("sqlite"):
        return create_engine(url, connect_args={"timeout": 30})
    if url.startswith("mysql"):  # the driver would leave sockets open where it is refused
        where = sessions.settings(url) | {"database": sessions.database(url)}
        return create_engine("mysql+pymysql://", creator=lambda: sessions.opened(**where))
    return open_target(url, "tests").engine


def prepared(url: str, rows: int = 0) -> str:
    """Make the table, with so many rows; the URL."""
    engine = engine_of(url)
    try:
        with engine.begin() as connection:
            connection.execute(text(TABLE))
            for key in range(rows):
                connection.execute(text(f"INSERT INTO item VALUES ({key}, 0, 'old')"))
    finally:
        engine.dispose()
    return url


class Writer:
    """Rows that come, change, move and go, in transactions of some; one in eight rolled back."""

    def __init__(self, url: str, seed: int) -> None:
        self._engine, self._random = engine_of(url), random.Random(seed)
        self._next = 1000
        self._may, self._rests = threading.Event(), threading.Event()
        self._may.set()
        self.commits = self.losses = 0

    def run(self, stop: threading.Event) -> None:
        """Write until told to stop; a database that is away is tried again."""
        try:
            while not stop.wait(PAUSE):
                if not self._may.is_set():
                    self._rests.set()
                    self._may.wait(1.0)
                    continue
                try:
                    self._one()
                except (OperationalError, InterfaceError, OSError):
                    self.losses += 1
        finally:
            self._engine.dispose()

    @contextlib.contextmanager
    def resting(self) -> Iterator[None]:
        """It writes nothing in the block, and has nothing open."""
        self._rests.clear()
        self._may.clear()
        assert self._rests.wait(30), "the writer does not rest"
        try:
            yield
        finally:
            self._may.set()

    def _one(self) -> None:
        with self._engine.connect() as connection, connection.begin() as transaction:
            for _ in range(self._random.randint(1, 6)):
                connection.execute(text(self._statement()))
            if self._random.random() < 0.125:
                transaction.rollback()
        self.commits += 1

    def _statement(self) -> str:
        some = self._random.randrange(0, 60)
        self._next += 1
        return self._random.choice(
            [
                f"INSERT INTO item VALUES ({self._next}, 1, '{'x' * self._random.randrange(400)}')",
                f"UPDATE item SET n = n + 1 WHERE id = {some}",
                f"UPDATE item SET n = n + 1, body = 'new' WHERE id % 20 = {some % 20}",
                f"UPDATE item SET id = {self._next} WHERE id = {self._next - 7}",
                f"DELETE FROM item WHERE id = {self._next - 11}",
            ]
        )


@contextlib.contextmanager
def writing(url: str, seed: int) -> Iterator[Writer]:
    """A writer in a thread until the end of the block."""
    writer, stop, failed = Writer(url, seed), threading.Event(), []

    def guarded() -> None:
        try:
            writer.run(stop)
        except BaseException as error:  # noqa: BLE001 - raised where the block ends
            failed.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    try:
        yield writer
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive(), "the writer does not stop"
    if failed:
        raise failed[0]


def rows(url: str, table: str = "item") -> list[tuple]:
    """A table's rows, in the order of their first column."""
    engine = engine_of(url)
    try:
        with engine.connect() as connection:
            return [tuple(r) for r in connection.execute(text(f"SELECT * FROM {table} ORDER BY 1"))]
    finally:
        engine.dispose()
