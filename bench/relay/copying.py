"""Copying a whole table: the snapshot into Kafka, the applier out of it, and the comparison.

One stream with one table of rows that are all there before it starts, into an empty table.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench import procfs
from bench.relay import rows, throughput
from bench.relay.checksum import Checksum, WrongAnswerError, of_table
from bench.relay.memory import peak
from bench.relay.readers.client import ClientAlone
from bench.relay.readers.ours import Ours
from bench.relay.servers import PARTITIONS, PROGRAMS, Postgres
from bench.relay.topics import NothingComesError

_SUM = (
    "SELECT count(*)::text || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0)::text"
    f" FROM {rows.TABLE} t"
)

_BEGUN = "SELECT count(*) FROM strangler_stream"
"""It has connected, made its tables and is about to read."""
_FILLED = "SELECT count(*) FROM strangler_filled"


@dataclass(frozen=True, slots=True)
class Copy:
    """A full table, an empty one, and the stream between them."""

    server: Postgres
    ours: Ours
    size: int

    @classmethod
    def prepared(cls, server: Postgres, broker: str, folder: Path, size: int) -> Copy:
        """Both tables; the stream is configured and has never run."""
        source, target = server.create("full"), server.create("copy")
        for database in ("full", "copy"):
            server.run(rows.CREATE, database=database)
        rows.insert(source, 0, size, min(size, 10_000))
        server.run("VACUUM ANALYZE", database="full")
        ours = Ours("fenced", broker, source, folder / "copying", target, "copying")
        ours.topic.make()
        ours.configure()
        return cls(server, ours, size)

    def copy(self) -> dict[str, float]:
        """`COPY table TO STDOUT` by psql into nothing: what PostgreSQL gives to any reader."""
        command = [PROGRAMS / "psql", "-qX", "-d", self.ours.source, "-c",
                   f"COPY {rows.TABLE} TO STDOUT"]  # fmt: skip
        begin = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, timeout=300)
        return {"rate": self.size / (time.monotonic() - begin)}

    def client(self, broker: str, folder: Path, within: float) -> dict[str, float]:
        """What Kafka's client takes from a Python process that does nothing else."""
        alone = ClientAlone(broker, self.ours.source, 0, self.size, folder)
        return throughput.measure(alone, self._expected(), within)

    def snapshot(self, within: float) -> dict[str, float]:
        """The first start: every row into Kafka, with its checksum."""
        return throughput.measure(self.ours, self._expected(), within)

    def apply(self, within: float) -> dict[str, float]:
        """Out of the full topics into the empty table."""
        with self.ours.running(command="apply") as pid:
            self._wait(_BEGUN, within)
            begin, cpu = time.monotonic(), procfs.cpu_us(procfs.tree(pid))
            self._wait(_FILLED, within)
            took, used = time.monotonic() - begin, procfs.cpu_us(procfs.tree(pid)) - cpu
            rss = peak(procfs.tree(pid))
        self._compare()
        return {"rate": self.size / took, "cpu_us": used / self.size, "rss": rss}

    def verify(self, within: float) -> dict[str, float] | None:
        """`strangler cdc verify`, with relay and applier running; None where there is none."""
        with self.ours.running(), self.ours.running(command="apply"):
            begin = time.monotonic()
            done = self.ours.once("verify", within)
            took = time.monotonic() - begin
        if "No such command" in done.stderr:
            return None
        if done.returncode:
            raise WrongAnswerError(f"verify ended with {done.returncode}: {done.stderr[-300:]}")
        return {"seconds": took}

    def _expected(self) -> Checksum:
        return of_table(rows.select(self.ours.source, 0, self.size), PARTITIONS)

    def _wait(self, query: str, within: float) -> None:
        assert self.ours.target is not None
        deadline = time.monotonic() + within
        with psycopg.connect(self.ours.target, autocommit=True) as connection:
            while True:
                try:
                    row = connection.execute(query.encode()).fetchone()
                except psycopg.errors.UndefinedTable:  # the applier makes its tables first
                    row = None
                if row is not None and row[0]:
                    return
                if time.monotonic() > deadline:
                    raise NothingComesError(f"the applier is not done within {within:.0f} s")
                time.sleep(0.02)

    def _compare(self) -> None:
        source, target = (self.server.ask(_SUM, database=each) for each in ("full", "copy"))
        if source != target:
            raise WrongAnswerError(f"the copy has {target} instead of {source} (rows, hash)")
