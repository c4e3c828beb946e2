"""Opening the store's database by its URL.

A write transaction holds one lock for the whole store: `BEGIN IMMEDIATE` on SQLite, an advisory
lock on PostgreSQL. Writes are rare and short, and one lock makes the rules of a commit and of a
registration true without thinking about isolation levels.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from strangler.rollout.versions import DEFAULT_STORE, StoreError

BUSY_SECONDS = 10.0
"""How long a transaction waits for another's end before it gives up."""
_NOTICE_DEAD_HOST = {
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Else a thread would wait for a database whose host has vanished as long as the kernel does."""
_ADVISORY_LOCK = 0x7374726E67  # "strng": any number that nobody else takes
_WRITES = "strangler_writes"


def store_url(named: str | None, folder: Path) -> str:
    """The store's URL: the one named, else the SQLite file beside routes.yaml."""
    return named or f"sqlite:///{(folder / DEFAULT_STORE).absolute()}"


def open_engine(url: str) -> Engine:
    """An engine on that database; raises `StoreError` with a sentence if the URL is no good."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            f"{url!r} is no store: write sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME"
        ) from error
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "postgresql+psycopg":
        raise StoreError(
            f"a store on {parsed.drivername} is not supported: "
            "use sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME"
        )
    try:
        return create_engine(
            parsed,
            pool_pre_ping=True,
            pool_size=2,
            connect_args={"connect_timeout": int(BUSY_SECONDS), **_NOTICE_DEAD_HOST},
        )
    except NoSuchModuleError as error:
        raise StoreError(f"no driver for {parsed.drivername}") from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the store's write lock from its first statement on."""
    with translated(engine.url), engine.connect() as connection:
        connection.execution_options(**{_WRITES: True})
        with connection.begin():
            if engine.dialect.name == "postgresql":
                _take_lock(connection)
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads."""
    with translated(engine.url), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn the driver's errors into `StoreError`, without the password in the URL."""
    try:
        yield
    except DBAPIError as error:
        cause = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
        raise StoreError(f"store {url.render_as_string()}: {cause[0]}") from error
    except PoolTimeoutError as error:
        raise StoreError(f"store {url.render_as_string()}: every connection waits") from error


def _take_lock(connection: Connection) -> None:
    wait = {"wait": f"{BUSY_SECONDS:.0f}s"}
    connection.execute(text("SELECT set_config('lock_timeout', :wait, true)"), wait)
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("a store in memory would be forgotten at once: write sqlite:///PATH")
    _make_folder(Path(url.database).parent)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _set_up_connection)
    event.listen(engine, "begin", _begin)
    _notice_replacement(engine, Path(url.database))
    return engine


def _notice_replacement(engine: Engine, path: Path) -> None:
    """Give up connections to a file that is no longer there under its name.

    SQLite would go on writing to a deleted file for as long as it is open, and a restart would
    find all of that gone; and it would make a new, empty file in the place of a deleted one.
    """
    made = False

    def refuse_second(*_: object) -> None:
        if made and not path.exists():
            raise sqlite3.OperationalError("its file was deleted")

    def note(_connection: object, record: ConnectionPoolEntry) -> None:
        nonlocal made
        made = True
        record.info["file"] = _identity(path)

    def compare(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info.get("file") != _identity(path):
            raise DisconnectionError("the file was replaced")

    event.listen(engine, "do_connect", refuse_second)
    event.listen(engine, "connect", note)
    event.listen(engine, "checkout", compare)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _make_folder(folder: Path) -> None:
    """The folder, for its owner alone: the store holds the key that signs cookies."""
    if folder.exists():
        return
    try:
        folder.mkdir(mode=0o700, parents=True)
        (folder / ".gitignore").write_text("*\n")
    except OSError as error:
        raise StoreError(f"cannot make the store's folder {folder}: {error.strerror}") from error


def _set_up_connection(connection: Any, _record: object) -> None:
    """The driver's own BEGIN comes too late and never as IMMEDIATE, so it is switched off."""
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
