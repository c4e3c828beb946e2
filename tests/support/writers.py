"""Whoever writes into the source while it is relayed: chosen by a seed, never well-behaved.

Several sessions interleave their transactions. They fight for a few keys, use keys again that they
have deleted, change keys, roll back as a whole or to a savepoint, and write values that PostgreSQL
stores out of line, so that later updates of the row do not carry them.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

TABLES = ("review", "tag")
DDL = (
    "CREATE TABLE review (id int PRIMARY KEY, stars int, body text)",
    # Never compressed, so that what is long is stored out of line whatever it is.
    "ALTER TABLE review ALTER COLUMN body SET STORAGE EXTERNAL",
    "CREATE TABLE tag (code text, nr int, note text, PRIMARY KEY (code, nr))",
)
FILL = (
    "INSERT INTO review SELECT i, i % 5, repeat(chr(97 + i % 26), CASE WHEN i % 7 = 0 THEN 4000"
    " ELSE 20 END) FROM generate_series(1, 120) i",
    "INSERT INTO tag SELECT 'c' || i % 4, i, 'note ' || i FROM generate_series(1, 60) i",
)
_BUSY = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
PAUSE = 0.004
"""Seconds between two statements, so that a test's data stays small."""
BACK_WITHIN = 60.0
"""Seconds in which a database that went away must be back."""


@dataclass(frozen=True, slots=True)
class Mix:
    """What is written; everything else follows from the seed."""

    seed: int
    sessions: int = 2
    keys: int = 12
    """How many keys most statements fight for."""
    big: bool = True
    deletes: bool = True
    """Whether keys disappear, by deletes or as they change."""
    truncates: bool = False
    rows: int = 8
    """Of a statement that writes many."""


class Writer:
    """Counts what it did; see the module's docstring."""

    def __init__(self, url: str, mix: Mix) -> None:
        self._url, self._mix = url, mix
        self._random = random.Random(mix.seed)
        self._sessions: list[psycopg.Connection | None] = [None] * mix.sessions
        self._left = [0] * mix.sessions
        self._may, self._rests = threading.Event(), threading.Event()
        self._may.set()
        self.commits = self.rollbacks = self.reconnects = 0

    def run(self, stop: threading.Event) -> None:
        """Write until told to stop; nothing is open afterwards."""
        try:
            while not stop.is_set():
                if not self._may.is_set():
                    self._close()
                    self._rests.set()
                    self._may.wait(1.0)
                    continue
                self._one(self._random.randrange(self._mix.sessions), stop)
                stop.wait(PAUSE)
        finally:
            self._close()

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

    def _close(self) -> None:
        """What is open is rolled back."""
        for number, session in enumerate(self._sessions):
            self._sessions[number], self._left[number] = None, 0
            if session is not None:
                session.close()

    def _one(self, number: int, stop: threading.Event) -> None:
        """One statement of one session, or its end."""
        try:
            session = self._session(number, stop)
            if session is None:
                return
            if self._left[number]:
                self._left[number] -= 1
                self._change(session)
            else:
                self._end(session)
                self._left[number] = self._random.randint(1, 6)
        except psycopg.OperationalError as error:
            if isinstance(
                error, (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
            ):
                self._roll_back(number)
            else:
                self._lose(number)
        except psycopg.Error:  # a key that is there already, say
            self._roll_back(number)

    def _session(self, number: int, stop: threading.Event) -> psycopg.Connection | None:
        if self._sessions[number] is None:
            self._sessions[number] = _connected(self._url, stop)
        return self._sessions[number]

    def _lose(self, number: int) -> None:
        """The database has gone. What was to be committed may or may not have been."""
        session, self._sessions[number] = self._sessions[number], None
        self._left[number] = 0
        self.reconnects += 1
        if session is not None:
            session.close()

    def _roll_back(self, number: int) -> None:
        session = self._sessions[number]
        self._left[number] = 0
        self.rollbacks += 1
        if session is not None:
            try:
                session.rollback()
            except psycopg.OperationalError:
                self._lose(number)

    def _end(self, session: psycopg.Connection) -> None:
        if self._random.random() < 0.15:
            session.rollback()
            self.rollbacks += 1
        else:
            session.commit()
            self.commits += 1

    def _change(self, session: psycopg.Connection) -> None:
        gone = self._mix.deletes
        choice = self._random.choices(
            (self._put, self._stars, self._delete, self._again, self._move, self._many,
             self._savepoint, self._empty),
            (5, 6, 2 * gone, 2, 2 * gone, 2, 1, 0.1 * self._mix.truncates),
        )[0]  # fmt: skip
        choice(session)

    def _key(self) -> int:
        return self._random.randint(1, self._mix.keys)

    def _body(self) -> str:
        letter = self._random.choice("abcdefghij")
        big = self._mix.big and self._random.random() < 0.3
        return letter * (self._random.randint(3000, 9000) if big else self._random.randint(0, 30))

    def _put(self, session: psycopg.Connection) -> None:
        session.execute(
            "INSERT INTO review VALUES (%s, %s, %s) ON CONFLICT (id)"
            " DO UPDATE SET stars = excluded.stars, body = excluded.body",
            (self._key(), self._random.randint(0, 99), self._body()),
        )

    def _stars(self, session: psycopg.Connection) -> None:
        """An update of part of the row."""
        session.execute("UPDATE review SET stars = stars + 1 WHERE id = %s", (self._key(),))

    def _delete(self, session: psycopg.Connection) -> None:
        session.execute("DELETE FROM review WHERE id = %s", (self._key(),))

    def _again(self, session: psycopg.Connection) -> None:
        """A key that is deleted and used again at once."""
        key = self._key()
        session.execute("DELETE FROM review WHERE id = %s", (key,))
        session.execute(
            "INSERT INTO review VALUES (%s, %s, %s)", (key, self._random.randint(0, 9), "again")
        )

    def _move(self, session: psycopg.Connection) -> None:
        """A key that changes."""
        session.execute(
            "UPDATE review SET id = %s, body = %s WHERE id = %s",
            (self._key() + 500, self._body(), self._key()),
        )

    def _many(self, session: psycopg.Connection) -> None:
        """A statement that writes many rows."""
        start = self._random.randint(1, 40)
        session.execute(
            "INSERT INTO tag SELECT 'c' || i %% 4, i, %s FROM generate_series(%s, %s) i"
            " ON CONFLICT (code, nr) DO UPDATE SET note = excluded.note",
            (f"note {self._random.random()}", start, start + self._mix.rows),
        )
        if self._mix.deletes:
            session.execute("DELETE FROM tag WHERE nr = %s", (start + 1,))

    def _savepoint(self, session: psycopg.Connection) -> None:
        session.execute("SAVEPOINT here")
        self._put(session)
        self._stars(session)
        if self._random.random() < 0.6:
            session.execute("ROLLBACK TO SAVEPOINT here")
        self._put(session)

    def _empty(self, session: psycopg.Connection) -> None:
        session.execute("TRUNCATE tag")


def _connected(url: str, stop: threading.Event) -> psycopg.Connection | None:
    deadline = time.monotonic() + BACK_WITHIN
    while not stop.is_set():
        try:
            # A session that waits for another one of the same thread would wait for ever.
            return psycopg.connect(url, options="-c lock_timeout=30ms", connect_timeout=5)
        except psycopg.OperationalError:
            if time.monotonic() >= deadline:
                raise
            stop.wait(0.05)
    return None


@contextlib.contextmanager
def writing(url: str, mix: Mix) -> Iterator[Writer]:
    """A writer in a thread until the end of the block."""
    writer, stop, failed = Writer(url, mix), threading.Event(), []

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


def rows_as_text(url: str, table: str) -> list[tuple[str, ...]]:
    """A table's rows as PostgreSQL writes them, in their order."""
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT r::text FROM {table} r ORDER BY 1").fetchall()
