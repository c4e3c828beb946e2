"""One database at an end of a stream, and what is asked of two of them together."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import json
from contextlib import closing
from decimal import Decimal
from urllib.parse import urlsplit, urlunsplit

import psycopg
from sqlalchemy import create_engine, text
from support.pipes import Pipe, until

from cdc.applier import state
from cdc.applier.targets import open_target
from cdc.envelope import decode
from cdc.reversing import reversed_stream
from cdc.sources import open_preflight


class Side:
    """An empty database; what is written through it is the application's."""

    def __init__(self, kind: str, url: str) -> None:
        self.kind, self.url = kind, url
        self.engine = (
            create_engine(url, connect_args={"timeout": 30})
            if kind == "sqlite"
            else open_target(url, "tests").engine
        )

    def run(self, *statements: str, **values) -> list[tuple]:
        """Statements in one transaction; the rows of the last."""
        with self.engine.begin() as connection:
            done = [connection.execute(text(statement), values) for statement in statements][-1]
            return [tuple(row) for row in done] if done.returns_rows else []

    def rows(self, table: str) -> dict:
        """The table's rows by their first column."""
        return {row[0]: row[1:] for row in self.run(f"SELECT * FROM {table}")}

    def close(self) -> None:
        self.engine.dispose()


def way_back(there: Pipe) -> Pipe:
    """The reverse direction of a stream, its source set up."""
    back = copy.copy(there)
    back.stream = reversed_stream(there.stream)
    set_up(back)
    return back


def set_up(pipe: Pipe) -> None:
    """What `strangler cdc init --apply` does; nothing is missing then."""
    with closing(open_preflight(pipe.stream)) as preflight:
        preflight.apply()
        assert [finding for finding in preflight.check() if finding.fatal] == []


@contextlib.contextmanager
def running(*pipes: Pipe):
    """Relay and applier of each, in threads; their counters."""
    with contextlib.ExitStack() as stack:
        yield [
            (stack.enter_context(pipe.relaying()), stack.enter_context(pipe.applying()))[0]
            for pipe in pipes
        ]


def settled(pipe: Pipe, within: float = 60.0) -> None:
    """Everything that was written at the source so far has been applied, and nothing is held.

    That goes for the first snapshot too, which a marker does not wait for.
    """
    stream, seq = pipe.stream, pipe.barrier()
    tables = set() if stream.reverse else {table.to for table in stream.tables}
    engine = open_target(stream.target, "tests").engine
    try:

        def there():
            with engine.connect() as connection:
                done = state.filled(connection, stream.name) >= tables
                return done and state.arrived(connection, stream.name, seq)

        until(there, f"marker {seq} of {stream.name} in the target", within)
        with engine.connect() as connection:
            held = connection.execute(text("SELECT * FROM strangler_parked")).all()
        assert held == [], held
    finally:
        engine.dispose()


def written(pipe: Pipe) -> list[tuple]:
    """The changes, apart from what a snapshot has read, whoever had written that."""
    return [change for change in changes(pipe) if change[1] != "r"]


def changes(pipe: Pipe) -> list[tuple]:
    """What is in the stream's topics, apart from markers: (table, op, after or before)."""
    prefix = pipe.stream.topics.prefix + "."
    values = [(record.topic.removeprefix(prefix), decode(record.value)) for record in pipe.read()]
    return [
        (table, value["op"], value["after"] or value["before"])
        for table, value in values
        if value["op"] != "m"
    ]


NEUTRAL = {
    "n": int,
    "amount": lambda v: Decimal(str(v)),
    "on_day": lambda v: v if isinstance(v, str) else v.isoformat(),
    "yes": bool,
    "data": bytes,
    "doc": lambda v: json.loads(v) if isinstance(v, str) else v,
}


def neutral(name: str, value):
    """A value as any of the databases would have it."""
    if value is None:
        return None
    if name in {"at", "seen"}:
        moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)
        return moment.replace(tzinfo=None)
    return NEUTRAL.get(name, lambda v: v)(value)


def limited_role(url: str) -> str:
    """The database for a role that is no superuser, and so may not set a replication origin."""
    parts = urlsplit(url)
    name, host = f"role_{parts.path[1:]}", parts.netloc.rpartition("@")[2]
    with psycopg.connect(url, autocommit=True) as connection:
        # A server that asks the superuser for a password asks this role for the same.
        connection.execute(
            f"CREATE ROLE {name} LOGIN REPLICATION PASSWORD '{parts.password or ''}'"
        )
        connection.execute(f"GRANT CREATE ON DATABASE {connection.info.dbname} TO {name}")
        connection.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {name}")
    user = f"{name}:{parts.password}" if parts.password else name
    return urlunsplit(parts._replace(netloc=f"{user}@{host}"))
