"""A relay on a sink and checkpoints in memory, and on a source there or on a real one."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace

from cdc.change import Column, Kind, Relation
from cdc.checkpoint import Checkpoint
from cdc.config.model import Limits, Stream, TableSync, Topics
from cdc.envelope import decode, decode_id, decode_key
from cdc.mapping import outgoings
from cdc.relay.counters import Counters
from cdc.relay.relay import Around, Relay, Wanted
from cdc.relay.session import Parts
from cdc.sources import open_control, open_source
from cdc.testing import MemoryCheckpoints, MemorySink, ScriptedControl, ScriptedSource

REVIEW = Relation(
    "review", "public", "review",
    (
        Column("id", Kind.INTEGER, "int", key=True),
        Column("stars", Kind.INTEGER, "int"),
        Column("body", Kind.TEXT, "text"),
    ),
)  # fmt: skip


def stream(*tables: str, **more) -> Stream:
    names = tables or ("review",)
    given = {"topics": Topics("shop"), "limits": Limits(chunk=3), "heartbeat": 0.0} | more
    return Stream(
        "shop", "memory://", tuple(TableSync(name, name) for name in names), **given
    )  # fmt: skip


def until(met, what: str, within: float = 60.0):
    deadline = time.monotonic() + within
    while not (value := met()):
        assert time.monotonic() < deadline, f"{what}: not within {within:.0f} s"
        time.sleep(0.002)
    return value


class World:
    """Everything around a relay; it may be started again and again."""

    def __init__(self, relations=(REVIEW,), **given) -> None:
        self.source = ScriptedSource()
        self.control = ScriptedControl(self.source, relations)
        self.sink = MemorySink()
        self.checkpoints = MemoryCheckpoints()
        self.counters = Counters()
        self.epoch = 0
        self.reports: list[object] = []
        self.ended: list[str] = []
        self.stream = stream(*(relation.table for relation in relations), **given)
        self.partner: str | None = None

    def parts(self, source=None) -> Parts:
        self.epoch += 1
        return Parts(
            source or self.source, self.control.connect, self.sink, self.checkpoints, self.epoch,
            {table.table: lambda _relation: None for table in self.stream.tables},
            self.partner, self.reports.append,
        )  # fmt: skip

    def relay(self, wanted: Wanted = Wanted(), make=None) -> Relay:  # noqa: B008 - frozen
        return Relay(
            self.stream, make or self.parts, lambda: self.source, self.control.connect, wanted,
            self.counters, Around(self.checkpoints.load, self.ended.append),
        )  # fmt: skip

    @contextlib.contextmanager
    def relaying(self, wanted: Wanted = Wanted(), make=None):  # noqa: B008 - frozen
        """The relay in a thread; what ended it is raised at the end."""
        stop, failed = threading.Event(), []
        running = self.relay(wanted, make)

        def run() -> None:
            try:
                running.run(stop)
            except Exception as error:  # noqa: BLE001 - raised by the test's thread
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield failed
        finally:
            stop.set()
            thread.join(30)
        assert not thread.is_alive()
        if failed:
            raise failed[0]

    def sent(self, *operations: str) -> list[tuple[str, dict, dict | None]]:
        """Operation, key and new row of what consumers see, markers aside."""
        found = []
        for record in list(self.sink.settled):
            if record.value is None or record.topic.endswith("dead-letters"):
                continue
            value = decode(record.value)
            if value["op"] != "m" and (not operations or value["op"] in operations):
                found.append((value["op"], dict(decode_key(record.key)), value["after"]))
        return found

    def markers(self, kind: str) -> list[int]:
        """Numbers of the markers of a kind that consumers see, once for each partition."""
        values = [decode(r.value) for r in list(self.sink.settled) if r.value]
        return [v["marker"]["seq"] for v in values
                if v["op"] == "m" and v["marker"]["kind"] == kind]  # fmt: skip

    def copy(self, topic: str = "shop.review") -> dict:
        """The rows by key that a consumer ends up with; each record once, in the order of ids."""
        rows: dict[tuple, dict] = {}
        newest: dict[int, object] = {}
        for record in list(self.sink.settled):
            id_ = decode_id(dict(record.headers)["id"]) if record.topic == topic else None
            if (
                id_ is None
                or record.value is None
                or id_ <= newest.get(record.partition, id_.__class__(0, 0, -1))
            ):
                continue
            newest[record.partition] = id_
            value, key = decode(record.value), tuple(decode_key(record.key).values())
            if value["op"] == "d":
                rows.pop(key, None)
            elif value["op"] != "m":
                rows[key] = rows.get(key, {}) | value["after"]
        return rows

    def rows(self, table: str = "review") -> dict:
        """The source's rows by key."""
        names = [column.name for column in self.control.relations[table].columns]
        return {key: dict(zip(names, row, strict=True))
                for key, row in self.control.tables[table].items()}  # fmt: skip


class OfDatabase(World):
    """The same around a stream of a real database, whose `control` is a session of its own."""

    def __init__(self, stream: Stream, folder) -> None:
        super().__init__()
        self.stream, self.folder = stream, folder

    def parts(self, source=None) -> Parts:
        memory = super().parts(source)
        return replace(
            memory, connect=lambda: open_control(self.stream), outgoing=outgoings(self.stream)
        )

    def relay(self, wanted: Wanted = Wanted(), make=None) -> Relay:  # noqa: B008 - frozen
        return Relay(
            self.stream, make or self.parts, lambda: open_source(self.stream, self.folder),
            lambda: open_control(self.stream), wanted, self.counters,
            Around(self.checkpoints.load, self.ended.append),
        )  # fmt: skip

    def kept(self) -> Checkpoint:
        """The last checkpoint."""
        return Checkpoint.from_bytes(self.checkpoints.load())

    def relayed(self, wanted: Wanted = Wanted()) -> None:  # noqa: B008 - frozen
        """Run the relay until everything up to now has been copied, and it has stopped."""
        self.reports.clear()
        with self.relaying(wanted) as failed:
            until(lambda: failed or self._copied(), "a relay that has copied what there is")
            with contextlib.closing(open_control(self.stream)) as control:
                seq = control.mark(self.stream.name, "barrier", "{}")
            until(lambda: failed or seq in self.markers("barrier"), "the barrier")

    def _copied(self) -> bool:
        return bool(self.reports) and not self.kept().runs
