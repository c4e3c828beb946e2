"""The relay's half of docs/performance.md, from the results alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.relay.plan import APPLIER, BIG, LATENCY, MARIADB, SNAPSHOT, THROUGHPUT, VERIFY, commit_of
from bench.relay.servers import SETTINGS
from bench.relay.targets import DEBEZIUM, LIMIT, targets
from bench.report import failures_table, skipped_lines
from bench.results import Results
from bench.stats import ratios, spread
from bench.tables import shown, table, targets_table

_INTRODUCTION = """\
# The relay

Written by `python -m bench.relay`."""

_METHOD = f"""\
## How it is measured

- One PostgreSQL (the wheel's, {", ".join(f"`{k}={v}`" for k, v in SETTINGS.items())}) and one
  broker of Apache Kafka, topics of four partitions, all on one machine, nothing pinned.
- Rows have ten columns; the size of an envelope is in the tables. They are written before a reader
  starts, each reader has a slot of its own on the same log, and one reads at a time.
- Time counts from the first record that is in the topic to the moment the last can be read, of
  committed records for a fenced relay: looked at every 20 ms. CPU time is that of the reader's
  processes alone, in the same stretch; memory is the sum of their VmHWM.
- Every partition's rows are counted and hashed after each round and compared with the same of the
  table; a difference is a failure without a figure.
- Debezium stays up between rounds, its connector stopped: its JVM is warm.
- Latency counts from the return of a commit, in the writing process, to the record in a consumer of
  another, at 1,000 single-row commits a second, each at its due time. A first round of each is
  not counted.
- `produce() alone` is Kafka's client in a Python process that has every record of the copy ready
  and only hands them over: what no relay can exceed that sends a record for each row by it.
- Readers take turns within each round, ratios are taken within it, and tables show the median and,
  in parentheses, the lowest and highest."""

_COLUMNS: Sequence[tuple[str, str, float]] = (
    ("changes/s", "rate", 1.0),
    ("CPU µs/change", "cpu_us", 1.0),
    ("peak RSS MB", "rss", 1e6),
    ("bytes a record", "bytes", 1.0),
)
_QUANTILES = tuple((f"p{n} ms", f"p{n}_ms", 1.0) for n in (50, 95, 99))
_COPYING = (("rows/s", "rate", 1.0), *_COLUMNS[1:])
_TITLES = {
    BIG: ("One transaction of {big} rows", _COLUMNS),
    LATENCY: ("Commit to consumer, 1,000 single-row commits a second", _QUANTILES),
    SNAPSHOT: ("First copy of {big} rows", _COPYING),
    APPLIER: ("From full topics into PostgreSQL, {big} rows", _COPYING[:3]),
    VERIFY: ("{big} equal rows compared", (("seconds", "seconds", 1.0),)),
    MARIADB: ("MariaDB's binlog, 100 rows a commit", _COLUMNS),
}


def render(results: Results) -> str:
    """This half as a document of its own."""
    return "\n\n".join("\n".join(block) for block in _blocks(results)) + "\n"


def _blocks(results: Results) -> Iterator[list[str]]:
    yield [_INTRODUCTION]
    yield ["## Targets"]
    yield targets_table(targets(results))
    if results.failures:
        yield ["## Failures"]
        yield failures_table(results)
    yield ["## Machine"]
    facts = {**results.machine, **results.peers, **results.settings}
    yield table(("", ""), facts.items(), numbers=False)
    yield ["## Again", "", "```sh", "apt-get install openjdk-17-jre-headless maven mariadb-server",
           "pip install -e .[dev]", "python -m bench.relay            # --quick: a short run",
           "```", *skipped_lines(results)]  # fmt: skip
    for case in filter(results.names, THROUGHPUT):
        size = commit_of(case)
        yield [f"## {size:,} row{'s' if size > 1 else ''} a commit"]
        yield _compared(results, case)
    for case, (title, columns) in _TITLES.items():
        if results.names(case):
            yield [f"## {title.format(big=results.settings.get('Rows of the copy', ''))}"]
            yield _plain(results, case, columns)
    yield [_METHOD]


def _compared(results: Results, case: str) -> list[str]:
    head = ("reader", *(text for text, _, _ in _COLUMNS), "to Debezium", "to pg_recvlogical")
    rows = []
    for peer in results.names(case):
        rate = results.series(case, peer, "rate")
        to = (spread(ratios(rate, results.series(case, p, "rate"))) for p in (DEBEZIUM, LIMIT))
        rows.append((peer, *_cells(results, case, peer, _COLUMNS), *map(shown, to)))
    return table(head, rows)


def _plain(results: Results, case: str, columns: Sequence[tuple[str, str, float]]) -> list[str]:
    rows = [(peer, *_cells(results, case, peer, columns)) for peer in results.names(case)]
    return table(("", *(text for text, _, _ in columns)), rows)


def _cells(
    results: Results, case: str, peer: str, columns: Sequence[tuple[str, str, float]]
) -> list[str]:
    return [
        shown(spread(list(results.series(case, peer, metric).values())), unit)
        for _, metric, unit in columns
    ]
