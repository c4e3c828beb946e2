"""One service's own database: a synchronous engine behind a bounded pool of threads.

Why not SQLAlchemy's asyncio engine: its SQLite driver is a thread per connection anyway, and the
queries here take a millisecond. One synchronous code path serves SQLite and PostgreSQL alike, and
the size of the pool says how many connections a process opens at most. Requests that find every
thread taken wait in a queue that is bounded too: beyond it a caller hears 503 at once, which helps
an overloaded database more than a long queue does.

A database may also accept connections and say nothing more. Nobody waits longer than
`ANSWER_TIMEOUT` for it; the work that was given up keeps its place until its thread is done with
it, so that such a database soon costs callers no wait at all.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import unquote

from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, event, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.common.errors import UnavailableError
from services.common.schema import create_schema

T = TypeVar("T")
P = ParamSpec("P")


THREADS = 8
"""Threads and connections of one process."""
MOST_WAITING = 256
"""Requests that may wait for a thread before further ones are refused."""
ANSWER_TIMEOUT = 4.0
"""Seconds that a request waits for its rows: a gateway in front that gives up after five still gets
the service's own 503."""
CONNECT_TIMEOUT = 3
"""Seconds until PostgreSQL must have accepted a connection."""
BUSY_TIMEOUT = 5.0
"""Seconds that a statement waits for SQLite's lock."""


def database_url(text: str) -> URL:
    """The URL for SQLAlchemy of a `DATABASE_URL` as Django people write it.

    `postgres://` and `postgresql://` mean the psycopg driver, and a percent-encoded host is the
    directory of a Unix socket.
    """
    url = make_url(text)
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.host and url.host.lower().startswith("%2f"):
        url = url.set(host="").update_query_dict({"host": unquote(url.host)})
    return url


def open_engine(text: str) -> Engine:
    """An engine for `text`; connects to nothing yet, and makes the folder of an SQLite file."""
    url = database_url(text)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    return create_engine(
        url,
        pool_size=THREADS,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=CONNECT_TIMEOUT,
        connect_args={"connect_timeout": CONNECT_TIMEOUT},
    )


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT})
    event.listen(engine, "connect", _write_ahead)
    return engine


def _write_ahead(connection: Any, _record: object) -> None:
    """WAL mode: readers go on while rows are copied into it."""
    connection.execute("PRAGMA journal_mode=WAL")


def nothing(_connection: Connection) -> None:
    """Work for whoever wants the tables only: the first use of a database creates them."""


class Database:
    """Runs functions of a connection in threads, at most `threads` at a time.

    The tables are created before the first use that finds the database there, so that a service
    may start before its database does.
    """

    def __init__(
        self,
        engine: Engine,
        metadata: MetaData,
        *,
        threads: int = THREADS,
        most_waiting: int = MOST_WAITING,
        answer_timeout: float = ANSWER_TIMEOUT,
    ) -> None:
        self._engine = engine
        self._metadata = metadata
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="database")
        self._room = threads + most_waiting
        self._answer_timeout = answer_timeout
        self._created = False
        self._creating = Lock()

    async def run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `work` returns for a connection and `args`, in a transaction of its own.

        Raises UnavailableError when the database cannot be reached, answers too late, or too many
        wait for it. Work that was too late is not called off.
        """
        if not self._room:
            raise UnavailableError("Too many requests wait for the database.")
        self._room -= 1
        task = partial(self.now, work, *args, **kwargs)
        done = asyncio.get_running_loop().run_in_executor(self._pool, task)
        done.add_done_callback(self._leave)
        try:
            async with asyncio.timeout(self._answer_timeout):
                return await asyncio.shield(done)
        except TimeoutError as error:
            raise UnavailableError("The database does not answer in time.") from error

    def _leave(self, done: asyncio.Future[Any]) -> None:
        self._room += 1
        if not done.cancelled():
            done.exception()  # Looked at, as nobody may be left who awaits it.

    def now(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same in the calling thread, for commands."""
        try:
            self._create_tables()
            with self._engine.begin() as connection:
                return work(connection, *args, **kwargs)
        except (OperationalError, InterfaceError, PoolTimeoutError) as error:
            raise UnavailableError("The database does not answer.") from error

    def _create_tables(self) -> None:
        with self._creating:
            if not self._created:
                create_schema(self._engine, self._metadata)
                self._created = True

    def close(self) -> None:
        """Wait for what runs, then close every connection."""
        self._pool.shutdown()
        self._engine.dispose()
