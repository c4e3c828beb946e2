"""A database, a stream of it, and a source that is read as the relay does: with deadlines."""

from __future__ import annotations

import time

import psycopg
from support.streams import a_stream

from cdc.change import Begin, Change, Commit, Reached
from cdc.sources.postgres import PostgresPreflight, PostgresSource

WITHIN = 60.0


class Case:
    """One database of a server; the stream's tables are created before it is prepared."""

    def __init__(self, cluster, name: str, folder) -> None:
        self.cluster, self.name, self.folder = cluster, name, folder
        self.url = cluster.create(name)
        self.stream = self.source = None
        self._sessions: list[psycopg.Connection] = []

    def prepare(self, *tables, **more):
        """Set the stream up, without starting to read it."""
        self.stream = a_stream(self.url, *tables, name=self.name, **more)
        preflight = PostgresPreflight(self.stream)
        preflight.apply()
        preflight.close()
        return self.stream

    def begin(self, *tables, **more) -> int:
        """Set the stream up, and begin to read it."""
        self.prepare(*tables, **more)
        return self.again(None)

    def again(self, resume) -> int:
        """Read with a new source, as after a crash."""
        if self.source is not None:
            self.source.close()
        self.source = PostgresSource(self.stream, self.folder)
        return self.source.start(resume)

    def session(self, **more) -> psycopg.Connection:
        connection = psycopg.connect(self.url, autocommit=True, **more)
        self._sessions.append(connection)
        return connection

    def run(self, *statements: str) -> None:
        """Each statement in a transaction of its own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def together(self, *statements: str) -> None:
        """All statements in one transaction."""
        with psycopg.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement)

    def value(self, query: str):
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query).fetchone()[0]

    def until(self, enough) -> list:
        """Events until `enough(events)`; fails at the deadline."""
        events, deadline = [], time.monotonic() + WITHIN
        while not enough(events):
            assert time.monotonic() < deadline, f"not in time; so far {events[-20:]}"
            events += self.source.read(0.5)
        return events

    def commits(self, count: int = 1) -> list[tuple[Begin, list[Change], Commit]]:
        """The next transactions, so many."""
        return transactions(
            self.until(lambda events: sum(type(each) is Commit for each in events) >= count)
        )

    def rows(self, count: int = 1) -> list[tuple]:
        """Operation, old and new row of the changes of the next transactions, so many."""
        return [
            (each.op.value, each.before, each.after)
            for _, changes, _ in self.commits(count)
            for each in changes
        ]

    def up_to_now(self) -> list:
        """Every event until the source has reached the present end of the log."""
        end = int(self.value("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))
        self.value("SELECT txid_current()")  # so that there is something behind it

        def reached(events):
            return any(each.resume >= end for each in events if type(each) in {Reached, Commit})

        return self.until(reached)

    def slot(self, column: str):
        return self.value(
            f"SELECT {column} FROM pg_replication_slots WHERE database = current_database()"
        )

    def close(self) -> None:
        for session in self._sessions:
            session.close()
        if self.source is not None:
            self.source.close()
        with psycopg.connect(self.cluster.url(), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                " WHERE database = %s AND NOT active",
                (self.name,),
            )


def transactions(events) -> list[tuple[Begin, list[Change], Commit]]:
    """The events by transaction; fails where one is not well-formed."""
    done, begin, changes = [], None, []
    for event in events:
        if type(event) is Begin:
            assert begin is None, "a transaction within another"
            begin, changes = event, []
        elif type(event) is Change:
            assert begin is not None, "a change outside of a transaction"
            changes.append(event)
        elif type(event) is Commit:
            assert begin is not None, "a commit without its begin"
            done.append((begin, changes, event))
            begin = None
        else:
            assert begin is None, "reached a place within a transaction"
    assert begin is None, "a transaction without its commit"
    return done


def as_dict(change: Change, side: str = "after") -> dict:
    names = (column.name for column in change.relation.columns)
    return dict(zip(names, getattr(change, side), strict=True))
