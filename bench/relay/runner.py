"""Runs the cases: one after the other, the readers of a case in turn within each round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bench.processes import StartError
from bench.relay import latency, mariadb, rows, servers, throughput
from bench.relay.checksum import Checksum, WrongAnswerError, of_table
from bench.relay.copying import Copy
from bench.relay.plan import (
    APPLIER,
    BIG,
    LATENCY,
    MARIADB,
    SNAPSHOT,
    THROUGHPUT,
    VERIFY,
    Plan,
    commit_of,
)  # fmt: skip
from bench.relay.readers import client
from bench.relay.readers.debezium import Debezium
from bench.relay.readers.ours import Ours
from bench.relay.readers.recvlogical import RecvLogical
from bench.relay.targets import COPY, DEBEZIUM, FENCED, OURS
from bench.relay.topics import NothingComesError
from bench.results import Failure, Results, Sample

Measured = dict[str, float] | None
_FAILURES = (NothingComesError, StartError, WrongAnswerError, OSError)
_SHARED = frozenset({*THROUGHPUT, LATENCY, BIG})
"""The cases in which several readers read one log."""
_COPYING = frozenset({SNAPSHOT, APPLIER, VERIFY})


@dataclass
class Bench:
    """One run, with the servers that all cases share."""

    plan: Plan
    cases: Sequence[str]
    results: Results
    progress: Callable[[str], None]

    def run(self, folder: Path) -> None:
        """Every case that was asked for. Raises StartError where a server does not start."""
        with ExitStack() as stack:
            self._folder = folder
            self._broker = stack.enter_context(servers.kafka(folder))
            self._postgres = stack.enter_context(servers.postgres(folder))
            client.topic(self._broker).make()
            if _SHARED.intersection(self.cases):
                self._shared_log()
            if _COPYING.intersection(self.cases):
                self._copying()
            if MARIADB in self.cases:
                self._mariadb()

    def _shared_log(self) -> None:
        self._source = self._postgres.create("shop")
        self._postgres.run(rows.CREATE, database="shop")
        self._ids = count(1, 10_000_000)
        with ExitStack() as stack:
            limit = RecvLogical(self._source, self._folder / "recvlogical")
            limit.prepare()
            ours = [
                Ours(each, self._broker, self._source, self._folder / each)
                for each in ("at_least_once", "fenced")
            ]
            for each in ours:
                each.prepare()
            readers: list[throughput.Reader] = [*self._debezium(stack), *ours]
            for number in range(self.plan.rounds):
                for case in filter(self.cases.__contains__, THROUGHPUT):
                    self._throughput(case, number, limit, readers)
            if LATENCY in self.cases:
                self._latency_in_rounds(readers)
        if BIG in self.cases:
            self._throughput(BIG, 0, None, ours[-1:])

    def _debezium(self, stack: ExitStack) -> list[Debezium]:
        if reason := Debezium.absent():
            self.results.skipped = {**self.results.skipped, DEBEZIUM: reason}
            return []
        peer = Debezium(self._broker, self._source, self._folder / DEBEZIUM)
        self.progress("Debezium starts")
        stack.enter_context(peer.up())
        return [peer]

    def _throughput(
        self,
        case: str,
        number: int,
        limit: RecvLogical | None,
        readers: Sequence[throughput.Reader],
    ) -> None:
        size = self.plan.big if case == BIG else self.plan.rows_of(commit_of(case))
        first = next(self._ids)
        rows.insert(self._source, first, size, size if case == BIG else commit_of(case))
        expected = of_table(rows.select(self._source, first, size), servers.PARTITIONS)
        within = self.plan.within
        if limit is not None:
            self._take(case, limit.name, number, lambda: limit.measure(first, size, within))
            alone = client.ClientAlone(self._broker, self._source, first, size, self._folder)
            self._deliver(case, alone, number, expected)
        for reader in readers:
            self._deliver(case, reader, number, expected)

    def _deliver(
        self, case: str, reader: throughput.Reader, number: int, expected: Checksum
    ) -> None:
        within = self.plan.within
        self._take(case, reader.name, number, lambda: throughput.measure(reader, expected, within))

    def _latency_in_rounds(self, readers: Sequence[throughput.Reader]) -> None:
        # Not counted: the broker is compiling what only transactions of a few records call, as
        # Debezium's process has been doing with its own part since its first round.
        for reader in readers:
            with suppress(*_FAILURES):  # told by the rounds that count
                latency.measure(reader, self._source, next(self._ids), self.plan.latency)
        for number in range(self.plan.rounds):
            self._latency(number, readers)

    def _latency(self, number: int, readers: Sequence[throughput.Reader]) -> None:
        for reader in readers:
            first, size = next(self._ids), self.plan.latency
            self._take(
                LATENCY, reader.name, number,
                lambda r=reader, f=first, n=size: latency.measure(r, self._source, f, n),
            )  # fmt: skip

    def _copying(self) -> None:
        copy = Copy.prepared(self._postgres, self._broker, self._folder, self.plan.big)
        for number in range(self.plan.rounds):
            self._take(SNAPSHOT, COPY, number, copy.copy)
        within = self.plan.within
        self._take(
            SNAPSHOT, client.NAME, 0, lambda: copy.client(self._broker, self._folder, within)
        )
        if not self._take(SNAPSHOT, FENCED, 0, lambda: copy.snapshot(within)):
            return
        if APPLIER in self.cases or VERIFY in self.cases:
            self._take(APPLIER, OURS, 0, lambda: copy.apply(within))
        if VERIFY in self.cases and not self._take(VERIFY, OURS, 0, lambda: copy.verify(within)):
            self.progress("there is no comparison yet")

    def _mariadb(self) -> None:
        if reason := mariadb.absent():
            self.results.skipped = {**self.results.skipped, "MariaDB": reason}
            return
        with mariadb.mariadb(self._folder) as server:
            ours = Ours("fenced", self._broker, server.url, self._folder / "binlog", None, "binlog")
            ours.prepare()
            for number in range(self.plan.rounds):
                first = 1 + number * self.plan.mariadb
                server.insert(first, self.plan.mariadb, 100)
                expected = of_table(server.rows(first), servers.PARTITIONS)
                self._deliver(MARIADB, ours, number, expected)

    def _take(self, case: str, peer: str, number: int, work: Callable[[], Measured]) -> bool:
        """Keep what was measured, or why nothing was; whether there is a figure."""
        try:
            values = work()
        except _FAILURES as error:
            self.results.failures.append(Failure(case, peer, f"{type(error).__name__}: {error}"))
            self.progress(f"{case} {peer}: {error}")
            return False
        if values is None:
            return False
        self.results.samples.append(Sample(case, peer, number, values))
        shown = ", ".join(f"{name} {value:,.1f}" for name, value in values.items())
        self.progress(f"round {number + 1} {case} {peer}: {shown}")
        return True
