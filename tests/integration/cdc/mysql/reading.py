"""Reads a source as the relay does, and waits with a deadline."""

from __future__ import annotations

import contextlib
import time

import psutil

from cdc.change import Begin, Change, Commit, Reached
from cdc.config.model import Stream, TableSync, Topics
from cdc.sources.mysql import MysqlSource

DEADLINE = 30.0


def stream(url: str, *tables: str, reverse: bool = False, **more) -> Stream:
    """A stream of some tables."""
    listed = tuple(TableSync(table=table, to=table, **more) for table in tables)
    return Stream(name="s", source=url, tables=listed, topics=Topics("s"), reverse=reverse)


class Case:
    """A database, a stream of it, and a source that reads it."""

    def __init__(self, server, name: str, folder, *tables: str, reverse: bool = False) -> None:
        self.server, self.name, self.folder = server, name, folder
        self.stream = stream(server.url(name), *(tables or ("t",)), reverse=reverse)
        self.source = MysqlSource(self.stream, folder)

    def __enter__(self) -> Case:
        return self

    def __exit__(self, *_error) -> None:
        self.source.close()

    def run(self, *statements: str):
        """Run statements in one session."""
        return self.server.run(*statements, database=self.name)

    def again(self, resume) -> None:
        """Go on with a new source, as after a crash."""
        self.source.close()
        self.source = MysqlSource(self.stream, self.folder)
        self.source.start(resume)

    def until(self, enough) -> list:
        """Events until `enough(events)`; fails at the deadline."""
        events, deadline = [], time.monotonic() + DEADLINE
        while not enough(events):
            assert time.monotonic() < deadline, f"not within {DEADLINE} s; so far {events}"
            events += self.source.read(0.5)
        return events

    def commits(self, count: int = 1) -> list:
        """Events up to the commit of so many transactions, without `Reached`."""
        events = self.until(lambda es: sum(type(e) is Commit for e in es) >= count)
        return [event for event in events if type(event) is not Reached]

    def changes(self, count: int) -> list[Change]:
        """Changes, until there are so many."""
        events = self.until(lambda es: sum(type(e) is Change for e in es) >= count)
        return [event for event in events if type(event) is Change]


def rows(events) -> list[tuple]:
    """Operation, old row and new row of each change."""
    return [(str(e.op), e.before, e.after) for e in events if type(e) is Change]


def transactions(events) -> list[tuple[Begin, list[Change], Commit]]:
    """The events by transaction; fails where one is not well-formed."""
    done, begin, changes = [], None, []
    for event in events:
        if type(event) is Begin:
            assert begin is None
            begin, changes = event, []
        elif type(event) is Change:
            assert begin is not None
            changes.append(event)
        elif type(event) is Commit:
            assert begin is not None
            done.append((begin, changes, event))
            begin = None
    return done


def readers(parent: psutil.Process) -> list[psutil.Process]:
    """The reading processes of a process; others of its children may end while they are asked."""
    found = []
    for child in parent.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "cdc.sources.mysql.reader" in child.cmdline():
                found.append(child)
    return found
