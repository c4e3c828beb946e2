"""Relays of MariaDB and SQLite that are killed at each step of their promise, under a writer."""

from __future__ import annotations

import contextlib
import random
import threading

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from support.mariadb import binlog_mariadb, fresh
from support.pipes import Pipe, assert_equal, until

from cdc.applier import state
from cdc.applier.targets import open_target
from cdc.config.model import Limits

TABLE = "CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER, body VARCHAR(500))"
POINTS = ("before_produce", "after_produce", "after_settle", "after_checkpoint", "after_confirm")


@pytest.fixture(scope="module")
def maria():
    with binlog_mariadb() as server:
        yield server


@pytest.fixture(params=["mariadb", "sqlite"])
def urls(request, tmp_path):
    """A filled source and an empty target of one kind."""
    if request.param == "sqlite":
        made = [f"sqlite:///{tmp_path / name}.sqlite3" for name in ("old", "new")]
        for name in ("old", "new"):
            (tmp_path / f"{name}.sqlite3").touch()
    else:
        server = request.getfixturevalue("maria")
        made = [fresh(server, f"{name}{random.getrandbits(40)}") for name in ("old", "new")]
    for number, url in enumerate(made):
        engine = engine_of(url)
        with engine.begin() as connection:
            connection.execute(text(TABLE))
            for key in range(0 if number else 60):
                connection.execute(text(f"INSERT INTO item VALUES ({key}, 0, 'old')"))
        engine.dispose()
    return made


def engine_of(url):
    if url.startswith("sqlite"):
        return create_engine(url, connect_args={"timeout": 30})
    return open_target(url, "tests").engine


class Writer:
    """Rows that come, change, move and go, in transactions of some; one in eight rolled back."""

    def __init__(self, url: str, seed: int) -> None:
        self._engine, self._random = engine_of(url), random.Random(seed)
        self._next = 1000
        self.commits = 0

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(0.004):
            with contextlib.suppress(OperationalError), self._engine.connect() as connection:
                with connection.begin() as transaction:
                    for _ in range(self._random.randint(1, 6)):
                        connection.execute(text(self._statement()))
                    if self._random.random() < 0.125:
                        transaction.rollback()
                self.commits += 1
        self._engine.dispose()

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
def writing(url: str, seed: int):
    writer, stop, failed = Writer(url, seed), threading.Event(), []

    def guarded() -> None:
        try:
            writer.run(stop)
        except Exception as error:  # noqa: BLE001 - raised where the block ends
            failed.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    try:
        yield writer
    finally:
        stop.set()
        thread.join(60)
    assert not failed, failed


def rows(url: str) -> list[tuple]:
    engine = engine_of(url)
    try:
        with engine.connect() as connection:
            return [tuple(r) for r in connection.execute(text("SELECT * FROM item ORDER BY id"))]
    finally:
        engine.dispose()


def test_a_relay_killed_at_every_point_loses_nothing(tmp_path, broker, urls, killed_at):
    source, target = urls
    shop = Pipe(tmp_path, broker, source, ("item",), target=target, limits=Limits(chunk=10))
    with writing(source, seed=5) as writer:
        for times, point in enumerate(POINTS):
            killed_at(shop, "run", f"{point}:{2 + times}")
        killed_at(shop, "apply", "before_commit:1")
        with shop.process("run", shop.stream.name):
            killed_at(shop, "apply", "after_commit:2")
        assert writer.commits > 20
    name = shop.stream.name
    with shop.process("run", name), shop.process("apply", name):
        shop.snapshotted()
        assert_equal(shop)
        seq = shop.barrier()
        engine = engine_of(target)
        try:

            def arrived():
                with engine.connect() as connection:
                    return state.arrived(connection, name, seq)

            until(arrived, "the marker at the target")
            with engine.connect() as connection:
                assert not any(state.parked(connection, name).values())
        finally:
            engine.dispose()
    assert rows(target) == rows(source)
    assert len(rows(source)) > 60
