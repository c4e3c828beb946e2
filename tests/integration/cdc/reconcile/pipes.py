"""A whole stream: source, relay, broker, applier and target, the processes as threads."""

from __future__ import annotations

import contextlib
import threading

from sqlalchemy import create_engine, text
from support.kafka import until

from cdc.applier import state
from cdc.applier.ports import Stopped
from cdc.applier.targets import open_target
from cdc.bootstrap import Home, applier, relay
from cdc.config.model import Kafka, Stream, TableSync, Topics
from cdc.kafka.topics import ensure_topics
from cdc.relay.counters import Counters
from cdc.relay.relay import Wanted
from cdc.sources import open_preflight


def engine_of(url):
    """SQLAlchemy's engine for a URL of a stream, for the test's own statements."""
    if url.startswith("sqlite"):
        return create_engine(url, connect_args={"timeout": 30})
    return open_target(url, "tests").engine


class Pipe:
    """One stream; `source` and `target` run SQL."""

    def __init__(self, name, source, target, broker, folder, *tables, **more):
        syncs = tuple(t if isinstance(t, TableSync) else TableSync(t, t) for t in tables)
        stream = Stream(
            name, source, syncs, Topics(name, partitions=2), target=target,
            kafka=Kafka((broker,)), heartbeat=2.0, **more,
        )  # fmt: skip
        self._open(stream, Home(f"sqlite:///{folder}/{name}.db", folder / name))

    @classmethod
    def of(cls, stream, other):
        """The pipe of another stream, at home where `other` is."""
        made = cls.__new__(cls)
        made._open(stream, other.home)
        return made

    def _open(self, stream, home):
        self.stream, self.home = stream, home
        self._closing = contextlib.ExitStack()
        self._source, self._target = engine_of(stream.source), engine_of(stream.target)
        self._closing.callback(self._source.dispose)
        self._closing.callback(self._target.dispose)
        self._stops = {}
        self.failures = []

    def locked(self, statement):
        """A connection to the target in whose transaction a statement was run."""
        connection = self._target.connect()
        connection.execute(text(statement))
        return connection

    def source(self, *statements, **values):
        return run(self._source, statements, values)

    def target(self, *statements, **values):
        return run(self._target, statements, values)

    def both(self, *statements):
        self.source(*statements)
        self.target(*statements)

    def start(self, *, within=60.0, copy=True):
        """Set the source up, start both processes, and wait for the first copy.

        Without `copy` for a stream that takes none: the way back.
        """
        with contextlib.closing(open_preflight(self.stream)) as preflight:
            preflight.apply()
        ensure_topics(self.stream)  # else the applier may ask for them before they are there
        self.start_relay()
        self.start_applier()
        tables = {table.to for table in self.stream.tables}
        until(
            lambda: self._alive() and (not copy or self._filled() >= tables),
            "the first copy",
            within,
        )

    def start_relay(self):
        self._thread("relay", lambda stop: relay(
            self.stream, self.home, Wanted(), Counters()).run(stop))  # fmt: skip

    def start_applier(self):
        def run(stop):
            applied = applier(self.stream, self.home)
            try:
                applied.run(stop)
            finally:
                applied.close()

        self._thread("applier", run)

    def stop(self, name):
        if name in self._stops:
            stop, thread = self._stops.pop(name)
            stop.set()
            thread.join(60)
            assert not thread.is_alive()

    def close(self):
        for name in list(self._stops):
            self.stop(name)
        with contextlib.closing(open_preflight(self.stream)) as preflight:
            preflight.undo()  # a server has only so many slots
        self._closing.close()

    def rows(self, table):
        return sorted(self.target(f"SELECT * FROM {table}"), key=repr)

    def _alive(self):
        assert not self.failures, self.failures
        return True

    def _filled(self):
        with self._target.connect() as connection:
            try:
                return state.filled(connection, self.stream.name)
            except Exception:  # noqa: BLE001 - the applier has not made its tables yet
                return set()

    def _thread(self, name, run):
        stop = threading.Event()

        def guarded():
            try:
                run(stop)
            except (Exception, Stopped) as error:  # noqa: BLE001 - told by the test
                self.failures.append(repr(error))

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._stops[name] = (stop, thread)
        thread.start()


def run(engine, statements, values):
    with engine.begin() as connection:
        for statement in statements:
            done = connection.execute(text(statement), values)
        return [tuple(row) for row in done] if done.returns_rows else None
