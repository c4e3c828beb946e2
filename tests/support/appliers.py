"""An applier on a real target, fed by a scripted reader."""

from __future__ import annotations

import contextlib

from sqlalchemy import text

from cdc import functions
from cdc.applier import state
from cdc.applier.applier import Applier
from cdc.applier.targets import open_target
from cdc.config.model import Stream, TableSync, Topics
from cdc.mapping import mappings
from cdc.testing import ScriptedReader
from support.records import Script


def stream(url, *tables, partitions=2, **more):
    """Tables by name, or as records where more is said of them."""
    syncs = tuple(
        table if isinstance(table, TableSync) else TableSync(table=table, to=table)
        for table in tables
    )
    topics = Topics(prefix="shop", partitions=partitions)
    return Stream(name="shop", source="sqlite://", target=url, tables=syncs, topics=topics, **more)


class Bench:
    """One target, one scripted reader, any number of appliers, a clock set by hand."""

    def __init__(self, url, ddl, *tables, **more):
        self.url, self.stream = url, stream(url, *tables, **more)
        self.partitions = range(self.stream.topics.partitions)
        self.reader = ScriptedReader()
        self.script = Script(self.reader)
        self.now = 1_763_631_001.0
        self._closing = contextlib.ExitStack()
        self.engine = open_target(url, "test").engine
        self._closing.callback(self.engine.dispose)
        for statement in ddl.split(";"):
            self.sql(statement)
        self.applier = self.another(self.reader)

    def another(self, reader=None, **more):
        if reader is None:
            reader = ScriptedReader()
            reader._logs = self.reader._logs
        target = open_target(self.url, "shop", reverse=self.stream.reverse)
        how = mappings(self.stream, functions.load)
        applier = Applier(self.stream, target, reader, how, clock=lambda: self.now, **more)
        self._closing.callback(applier.close)
        return applier

    def step(self, times=1):
        """Steps, with enough time between them for what waits to be tried again."""
        for _ in range(times):
            self.now += 1
            report = self.applier.step()
        return report

    def marker(self, **more):
        tables = [table.table for table in self.stream.tables]
        return self.script.marker(tables, self.partitions, **more)

    def sql(self, statement, **values):
        with self.engine.begin() as connection:
            done = connection.execute(text(statement), values)
            return [tuple(row) for row in done] if done.returns_rows else None

    def parked(self):
        with self.engine.connect() as connection:
            return state.parked(connection, "shop")

    def arrived(self, seq):
        with self.engine.connect() as connection:
            return state.arrived(connection, "shop", seq)

    def filled(self):
        with self.engine.connect() as connection:
            return state.filled(connection, "shop")

    def close(self):
        self._closing.close()
