"""Connections to a SQLite file, and its errors as the relay knows them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from cdc.relay.ports import SourceError
from cdc.sources.sqlite.values import text

BUSY_SECONDS: Final = 5.0
"""How long an ordinary session waits for another writer."""
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PASSING: Final = _BUSY | {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
                           sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_SCHEMA}  # fmt: skip


def file_of(url: str) -> Path:
    """The file of `sqlite:///relative` or `sqlite:////absolute`."""
    path = unquote(urlsplit(url).path)[1:]
    if not path or path == ":memory:":
        raise SourceError(
            "a database in memory has no log that a relay could read: write sqlite:///PATH",
            temporary=False,
        )
    return Path(path)


def connect(path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """A connection in autocommit mode; a missing file is not made. Raises `SourceError`.

    It may be handed from one thread to another, which the relay does when it ends.
    """
    with translated(path):
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw", uri=True, timeout=busy_seconds,
            isolation_level=None, check_same_thread=False,
        )  # fmt: skip
    connection.text_factory = text
    return connection


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn sqlite3's errors into `SourceError`."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        raise SourceError(f"{path}: {error}", temporary=code in _PASSING) from error


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another session holds the lock."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY


@contextmanager
def patience(connection: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """Wait this long for other writers, instead of `BUSY_SECONDS`."""
    connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that has the write lock from its beginning: everything it sees is committed."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
