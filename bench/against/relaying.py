"""The relay's cases: CPU time of a change that is relayed, and of a row that is applied.

One log, written beforehand, which each side's relay reads from a slot of its own into topics of
its own; each side's applier brings them into a database of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from bench import procfs
from bench.against import rounds
from bench.against.builds import Side
from bench.relay import rows, servers, throughput
from bench.relay.checksum import WrongAnswerError, of_table
from bench.relay.readers.ours import Ours
from bench.relay.topics import NothingComesError
from bench.results import Results, Sample
from cdc.kafka import apache

RELAY, APPLIER = CASES = ("relay", "applier")
COMMIT = 100
"""Rows to a commit."""
LOOK_EVERY = 0.02
WITHIN = 120.0
"""Seconds that a relay or an applier may take."""
_APART = 10_000_000
"""Between the first rows of two rounds."""


@dataclass(slots=True)
class Pipes:
    """The servers, and a stream for each side."""

    source: str
    streams: dict[str, Ours]
    size: int
    """Rows of a round."""

    def measure(self, sides: Sequence[Side], results: Results, number: int) -> None:
        """One round of both cases, each side's processes started anew.

        Raises WrongAnswerError, NothingComesError or StartError.
        """
        first = 1 + number * _APART
        rows.insert(self.source, first, self.size, COMMIT)
        expected = of_table(rows.select(self.source, first, self.size), servers.PARTITIONS)
        for side in rounds.order(sides, number):
            stream = self._seeded(side, number)
            values = throughput.measure(stream, expected, WITHIN)
            results.samples.append(Sample(RELAY, side.name, number, values))
        for side in rounds.order(sides, number):
            applied = apply(self._seeded(side, number), first, self.size)
            results.samples.append(Sample(APPLIER, side.name, number, {"cpu_us": applied}))

    def _seeded(self, side: Side, number: int) -> Ours:
        return replace(self.streams[side.name], env=side.env(number))


@contextmanager
def pipes(sides: Sequence[Side], folder: Path, size: int) -> Iterator[Pipes]:
    """All that the cases need, for the length of a block. Raises StartError."""
    with ExitStack() as stack:
        broker = stack.enter_context(servers.kafka(folder))
        postgres = stack.enter_context(servers.postgres(folder))
        source = _database(postgres, "shop")
        streams = {}
        for side in sides:
            target = _database(postgres, side.name)
            stream = Ours("fenced", broker, source, folder / side.name, target, side.name,
                          command=side.command, env=side.env(0))  # fmt: skip
            stream.prepare()
            streams[side.name] = stream
        yield Pipes(source, streams, size)


def _database(postgres: servers.Postgres, name: str) -> str:
    url = postgres.create(name)
    postgres.run(rows.CREATE, database=name)
    return url


def apply(stream: Ours, first: int, size: int) -> float:
    """CPU time for a row, of an applier that has `size` rows from id `first` on before it.

    It counts from when the first of them are seen, so that starting up is no part of it.
    """
    assert stream.target is not None
    with stream.running(command="apply") as pid, psycopg.connect(stream.target) as connection:
        connection.autocommit = True
        looks = list(_looks(connection, first, size, pid))
    return per_row(looks)


def per_row(looks: Sequence[tuple[int, float]]) -> float:
    """From (rows there, CPU time used) of each look. Raises NothingComesError."""
    (begun, used), (ended, spent) = looks[0], looks[-1]
    if ended == begun:
        raise NothingComesError("the rows were not seen to come: they came all at once")
    return (spent - used) / (ended - begun)


def _looks(
    connection: psycopg.Connection[tuple[int]], first: int, size: int, pid: int
) -> Iterator[tuple[int, float]]:
    """What is there and what it has cost, from the first row to the last."""
    query = f"SELECT count(*) FROM {rows.TABLE} WHERE id >= {first}"
    deadline = time.monotonic() + WITHIN
    there = 0
    while there < size:
        row = connection.execute(query.encode()).fetchone()
        there = row[0] if row else 0
        if there:
            yield there, procfs.cpu_us(procfs.tree(pid))
        if time.monotonic() > deadline:
            raise NothingComesError(f"{there} of {size} rows were applied in {WITHIN:.0f} s")
        time.sleep(LOOK_EVERY)
    if there > size:
        raise WrongAnswerError(f"{there} rows were applied instead of {size}")


def size(*, quick: bool) -> int:
    """Rows of a round."""
    return 10_000 if quick else 60_000


def absent() -> str | None:
    """Why these cases cannot be measured here; None if they can."""
    try:
        apache.start_command(apache.Node(1, 0, 0, Path()))
    except apache.NotAvailableError as error:
        return str(error)
    return None
