"""A stream under test: its source, its topics, its relay and applier, and what must hold of them.

The relay runs as people run it, as a process of `strangler cdc run`, or in a thread where a test
looks at its counters.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from cdc.applier.ports import Record
from cdc.bootstrap import Home, applier, relay
from cdc.config.model import Delivery, Kafka, Stream, TableSync, Topics
from cdc.envelope import decode, decode_id, decode_key
from cdc.kafka.errors import ReaderError
from cdc.kafka.lookup import Lookup
from cdc.kafka.reader import Reader
from cdc.relay.counters import Counters
from cdc.relay.relay import Wanted
from cdc.sources import open_control, open_preflight
from support import commands

WITHIN = 60.0


def until(met, what: str, within: float = WITHIN):
    """Wait for a condition; its value. Fails, saying what was waited for."""
    deadline = time.monotonic() + within
    while not (value := met()):
        assert time.monotonic() < deadline, f"{what}: not within {within:.0f} s"
        time.sleep(0.02)
    return value


class Pipe:
    """One stream from a source to topics, and to a target where it has one."""

    def __init__(
        self, folder: Path, broker: str, source: str, tables, *, target: str | None = None,
        name: str | None = None, delivery: Delivery = Delivery.FENCED, partitions: int = 3,
        replication: int = 1, **more,
    ) -> None:  # fmt: skip
        self.folder, self.broker = folder, broker
        # Slots belong to a whole server, which the databases of many tests share.
        prefix = f"t{os.urandom(4).hex()}"
        name = name or prefix
        self.stream = Stream(
            name, source,
            tuple(t if isinstance(t, TableSync) else TableSync(t, t) for t in tables),
            Topics(prefix, partitions, replication), target=target, kafka=Kafka((broker,)),
            delivery=delivery, **{"heartbeat": 1.0} | more,
        )  # fmt: skip
        # Where the command line has it, so that a thread takes over from a process.
        home = folder / ".strangler"
        home.mkdir(exist_ok=True)
        self.home = Home(f"sqlite:///{home}/cdc.sqlite3", home / "spill")
        with closing(open_preflight(self.stream)) as preflight:
            preflight.apply()

    def with_(self, **changes) -> Pipe:
        """The same stream with something else in its configuration."""
        self.stream = replace(self.stream, **changes)
        return self

    @contextlib.contextmanager
    def relaying(self, wanted: Wanted | None = None) -> Iterator[Counters]:
        """The relay in a thread; what ended it is raised at the end of the block."""
        counters, stop, failed = Counters(), threading.Event(), []
        running = relay(self.stream, self.home, wanted or Wanted(), counters)
        with _thread(lambda: running.run(stop), stop, failed):
            # Its first heartbeat has come back: from here on every change is streamed.
            until(lambda: counters.transactions or failed, "a relay that streams")
            yield counters

    @contextlib.contextmanager
    def applying(self) -> Iterator[object]:
        """The applier in a thread."""
        stop, failed = threading.Event(), []
        running = applier(self.stream, self.home)
        with _thread(lambda: running.run(stop), stop, failed):
            yield running

    def routes(self) -> Path:
        """The stream as a file, for the command line."""
        stream, path = self.stream, self.folder / "routes.yaml"
        given = {
            "version": 1,
            "upstreams": {"legacy": {"endpoints": ["http://127.0.0.1:1"]}},
            "default": "legacy",
            "sync": {
                stream.name: {
                    "source": "${SOURCE}",
                    **({"target": "${TARGET}"} if stream.target else {}),
                    "kafka": self.broker,
                    "delivery": stream.delivery.value,
                    "heartbeat": f"{int(stream.heartbeat * 1000)}ms",
                    "topics": {"prefix": stream.topics.prefix,
                               "partitions": stream.topics.partitions,
                               "replication": stream.topics.replication},
                    "tables": [_table(table) for table in stream.tables],
                    "limits": {name: getattr(stream.limits, name)
                               for name in ("chunk", "record", "memory")},
                    **({"outbox": stream.outbox} if stream.outbox else {}),
                }
            },
        }  # fmt: skip
        path.write_text(json.dumps(given))  # JSON is YAML
        return path

    def environment(self, **more: str) -> dict[str, str]:
        """What the command line needs."""
        target = {"TARGET": self.stream.target} if self.stream.target else {}
        return {**os.environ, "SOURCE": self.stream.source, **target, **more}

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `strangler cdc …` to its end."""
        return commands.run(
            "cdc", *words, "--routes", self.routes(), env=self.environment(**environment),
            timeout=120,
        )  # fmt: skip

    @contextlib.contextmanager
    def process(self, *words: str, **environment: str) -> Iterator[commands.Command]:
        """`strangler cdc WORDS` until the end of the block, which must not find it failed."""
        with (self.folder / f"{words[0]}.log").open("ab") as log:
            process = commands.Command(
                "cdc", *words, "--routes", self.routes(),
                stdout=log, stderr=log, env=self.environment(**environment),
            )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise

    def log(self, word: str) -> str:
        """What a process has said so far."""
        return (self.folder / f"{word}.log").read_text()

    def barrier(self) -> int:
        """Write a marker after everything so far; its number."""
        with closing(open_control(self.stream)) as control:
            return control.mark(self.stream.name, "barrier", "{}")

    def partitions(self) -> list[tuple[str, int]]:
        """Of all the topics of tables."""
        return [
            (f"{self.stream.topics.prefix}.{table.table}", number)
            for table in self.stream.tables
            for number in range(self.stream.topics.partitions)
        ]

    def dead_letters(self) -> list[tuple[str, int]]:
        """Where records go that could not be delivered."""
        topics = self.stream.topics
        return [(f"{topics.prefix}.dead-letters", n) for n in range(topics.partitions)]

    def read(self, topics: list[tuple[str, int]] | None = None) -> list:
        """Every record that is there now for readers of committed ones."""
        wanted = topics or self.partitions()
        committed = self.stream.delivery is not Delivery.AT_LEAST_ONCE
        with closing(Lookup(self.stream.kafka, committed_only=committed)) as lookup:
            # To the end of each partition, once: a writer may go on for as long as it likes.
            return [
                Record(m.topic(), m.partition(), m.offset(), m.key(), m.value(), m.headers() or ())
                for partition in wanted
                for m in lookup.read(partition, 0)
            ]

    def awaited(self, met, what: str, within: float = WITHIN, meanwhile=lambda: None) -> None:
        """Read the records as they come, until `met` is true of one; `meanwhile` may fail sooner.

        Each is read once, but for those that are read again after Kafka was away.
        """
        deadline = time.monotonic() + within
        while True:
            with contextlib.suppress(ReaderError), closing(self._reader()) as reader:
                reader.assign(dict.fromkeys(self.partitions()))
                while True:
                    meanwhile()
                    if any(met(record) for record in reader.poll(1000, 0.2)):
                        return
                    assert time.monotonic() < deadline, f"{what}: not within {within:.0f} s"
            # Its topics come with its relay, or Kafka does not answer now.
            meanwhile()
            assert time.monotonic() < deadline, f"{what}: not within {within:.0f} s"
            time.sleep(0.1)

    def _reader(self) -> Reader:
        committed = self.stream.delivery is not Delivery.AT_LEAST_ONCE
        return Reader(self.stream.kafka, committed_only=committed)

    def arrived(self, seq: int, within: float = WITHIN, meanwhile=lambda: None) -> list:
        """The records, once the marker is in every partition."""
        wanted, seen = set(self.partitions()), set()

        def met(record):
            if _seq(record) >= seq:
                seen.add((record.topic, record.partition))
            return seen == wanted

        self.awaited(met, f"marker {seq} in every partition", within, meanwhile)
        return self.read()

    def snapshotted(
        self, after: int = 0, within: float = WITHIN, meanwhile=lambda: None
    ) -> None:  # fmt: skip
        """Wait until a snapshot of every table is in Kafka: a barrier may come before.

        `after`: in an incarnation after that one.
        """
        wanted, seen = {table.table for table in self.stream.tables}, set()

        def met(record):
            complete = record.key == b'{"marker":"complete"}'
            if complete and decode_id(dict(record.headers)["id"]).incarnation > after:
                seen.add(decode(record.value)["marker"]["body"]["table"])
            return seen == wanted

        self.awaited(met, "a complete snapshot", within, meanwhile)

    def rows(self, table: str) -> dict:
        """The source's rows by key, in the forms of the envelope."""
        key = next(each.key for each in self.stream.tables if each.table == table)
        with closing(open_control(self.stream)) as control:
            relation = control.relation(table, key)
            names = [column.name for column in relation.columns]
            rows = control.chunk(relation, None, 1_000_000).rows
            return {
                tuple(row[index] for index in relation.key): dict(zip(names, row, strict=True))
                for row in rows
            }


def replayed(records) -> dict[str, dict]:
    """What a consumer that follows docs/formats.md ends up with: rows by topic and key.

    What was delivered before is dropped, and part of a row counts only for a row that is there.
    """
    tables: dict[str, dict] = defaultdict(dict)
    last: dict = {}
    for record in records:
        headers = dict(record.headers)
        where, this = (record.topic, record.partition), decode_id(headers["id"])
        if this <= last.get(where, this.__class__(0, 0, 0)):
            continue  # delivered again
        last[where] = this
        _replay(tables[record.topic], record)
    return tables


def _replay(rows: dict, record) -> None:
    if record.value is None:
        return  # a tombstone follows a delete
    value, key = decode(record.value), decode_key(record.key)
    name = tuple(key.values())
    match value["op"]:
        case "m":
            return
        case "t":
            partition = record.partition
            for known in [each for each, (_, p) in rows.items() if p == partition]:
                del rows[known]
        case "d":
            rows.pop(name, None)
        case _ if value.get("unavailable"):
            if name in rows:  # else the snapshot has yet to bring it whole
                rows[name] = ({**rows[name][0], **value["after"]}, record.partition)
        case _:
            rows[name] = (value["after"], record.partition)


def assert_whole(records, delivery: Delivery = Delivery.FENCED) -> None:
    """Every transaction that is there is there with all of its records, from 0 on.

    Rows of a snapshot are sent in the transaction of a marker. Where a reader sees what was not
    committed (the embedded broker shows it to all), some of them may be there though their session
    failed: the next one reads them again, and sends them in the transaction of another marker.
    """
    indexes, reads = defaultdict(set), defaultdict(lambda: True)
    for record in records:
        this = decode_id(dict(record.headers)["id"])
        indexes[this.incarnation, this.position].add(this.index)
        reads[this.incarnation, this.position] &= b'"op":"r"' in (record.value or b"")
    gaps = {
        position: sorted(set(range(max(found) + 1)) - found)
        for position, found in indexes.items()
        if len(found) != max(found) + 1
        and not (delivery is not Delivery.EXACTLY_ONCE and reads[position])
    }
    assert not gaps, f"records are missing: {gaps}"


def assert_equal(pipe: Pipe, within: float = WITHIN, meanwhile=lambda: None) -> list:
    """Everything written so far is in Kafka, whole and in order, and equals the source."""
    records = pipe.arrived(pipe.barrier(), within, meanwhile)
    assert_whole(records + pipe.read(pipe.dead_letters()), pipe.stream.delivery)
    tables = replayed(records)
    for table in pipe.stream.tables:
        found = tables.get(f"{pipe.stream.topics.prefix}.{table.table}", {})
        copy = {key: row for key, (row, _) in found.items()}
        assert copy == pipe.rows(table.table)
    return records


def _seq(record) -> int:
    if record.value is None or not record.key.startswith(b'{"marker"'):
        return 0
    return decode(record.value)["marker"]["seq"]


def _table(table: TableSync) -> dict:
    given = {"table": table.table, "to": table.to, "key": list(table.key),
             "include": list(table.include), "exclude": list(table.exclude),
             "columns": dict(table.columns)}  # fmt: skip
    return {name: value for name, value in given.items() if value}


@contextlib.contextmanager
def _thread(work, stop: threading.Event, failed: list) -> Iterator[None]:
    def guarded():
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised where the block ends
            failed.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    try:
        yield
    except Exception as error:
        if failed:  # what the test missed is missing because of this
            raise failed[0] from error
        raise
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive(), "it does not stop"
    if failed:
        raise failed[0]
