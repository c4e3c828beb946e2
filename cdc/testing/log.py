"""A source in memory: its log, and the tables that the log is of."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from cdc.bounded import taken
from cdc.change import (
    Begin,
    Change,
    Column,
    Commit,
    Event,
    Identity,
    Kind,
    Op,
    Position,
    Relation,
    Row,
)
from cdc.relay.ports import Chunk, SourceError


class ScriptedSource:
    """A log in memory, which `ScriptedControl` can write markers into."""

    connector, database = "scripted", "memory"

    def __init__(self, **facts: str) -> None:
        self.facts = facts or {"log": "1"}
        self.events: list[Event] = []
        self.confirmed: list[Position] = []
        """Every position that was confirmed, in order."""
        self.resumed: list[Position | None] = []
        """Every place that reading was to begin at."""
        self.kept = 0
        """What `retained` tells."""
        self.incomplete: SourceError | None = None
        """Raised by `check`."""
        self.released = self.closed = 0
        """How often."""
        self.failure: SourceError | None = None
        """Raised by the next `read`, once."""
        self.unreachable: SourceError | None = None
        """Raised for whoever connects, for as long as it is set."""
        self.at_once = 1000
        """Events of one `read`."""
        self.changed = threading.Condition()
        self._next = self._ended = 0

    def write(
        self, *changes: Change, origin: str | None = None, xid: str | None = None
    ) -> Position:
        """Append a transaction; its position."""
        with self.changed:
            self._ended += 10
            at = self._ended
            begin = Begin(at, xid or str(at), at_ms=1_700_000_000_000 + at, origin=origin)
            self.events += [begin, *changes, Commit(at + 1)]
            self.changed.notify_all()
            return at

    def identity(self) -> Identity:
        """Of `facts`."""
        if self.unreachable is not None:
            raise self.unreachable
        return Identity.of(**self.facts)

    def start(self, resume: Position | None) -> Position:
        """Read on behind the transaction that `resume` ended."""
        self.resumed.append(resume)
        if resume is None:
            self._next = len(self.events)
            return self._ended + 1
        ends = (
            i for i, e in enumerate(self.events) if isinstance(e, Commit) and e.resume <= resume
        )
        self._next = max(ends, default=-1) + 1
        return resume

    def read(self, timeout: float) -> Sequence[Event]:
        """The next events."""
        with self.changed:
            if self.failure is not None:
                failure, self.failure = self.failure, None
                raise failure
            if self._next == len(self.events) and timeout:
                self.changed.wait(timeout)
            found = self.events[self._next : self._next + self.at_once]
            self._next += len(found)
            return found

    def confirm(self, resume: Position) -> None:
        """Note it."""
        self.confirmed.append(resume)

    def retained(self) -> int:
        """What the script says."""
        return self.kept

    def check(self) -> None:
        """What the script says."""
        if self.incomplete is not None:
            raise self.incomplete

    def release(self) -> None:
        """Note it."""
        self.released += 1

    def text(self, position: Position) -> str:
        """The number."""
        return str(position)

    def close(self) -> None:
        """Note it."""
        self.closed += 1


_MARKERS = Relation(
    "strangler_marker", "public", "strangler_marker",
    (
        Column("stream", Kind.TEXT, "text", key=True), Column("kind", Kind.TEXT, "text", key=True),
        Column("seq", Kind.INTEGER, "bigint"), Column("body", Kind.TEXT, "text"),
    ),
)  # fmt: skip


class ScriptedControl:
    """Tables in memory beside a `ScriptedSource`: `put` writes both, as a database does."""

    def __init__(self, source: ScriptedSource, relations: Iterable[Relation] = ()) -> None:
        self.source = source
        self.relations = {relation.table: relation for relation in relations}
        self.tables: dict[str, dict[Row, Row]] = {table: {} for table in self.relations}
        self.before_chunk: Callable[[], None] = lambda: None
        """Called before rows are read: whoever writes there writes between the markers."""
        self.failure: Exception | None = None
        """Raised when rows are read."""
        self.writers: frozenset[str] = frozenset()
        """Transactions that began before the log had the tables."""
        self.asked = 0
        """How often somebody asked for them."""
        self.seq = 0
        self.opened = self.closed = 0
        """How many sessions there were."""

    def connect(self) -> ScriptedControl:
        """A session: this very object."""
        self.opened += 1
        return self

    def fill(self, table: str, *rows: Row) -> None:
        """Rows that were there before the log began."""
        for row in rows:
            self.tables[table][self._key(table, row)] = row

    def put(self, table: str, row: Row, *, origin: str | None = None) -> Position:
        """Insert or update a row, in a transaction of its own."""
        relation, key = self.relations[table], self._key(table, row)
        with self.source.changed:
            before = self.tables[table].get(key)
            self.tables[table][key] = row
            op = Op.CREATE if before is None else Op.UPDATE
            return self.source.write(Change(relation, op, before, row), origin=origin)

    def remove(self, table: str, key: Row) -> Position:
        """Delete a row, in a transaction of its own."""
        with self.source.changed:
            row = self.tables[table].pop(key)
            return self.source.write(Change(self.relations[table], Op.DELETE, row, None))

    def mark(self, stream: str, kind: str, body: str, after: int = 0) -> int:
        """Write a marker into the log."""
        with self.source.changed:
            self.seq = max(self.seq, after) + 1
            self.source.write(marker(stream, kind, self.seq, body))
            return self.seq

    def newest_marker(self, stream: str) -> int:  # noqa: ARG002 - there is one only
        """The number of the last one."""
        return self.seq

    def relation(self, table: str, key: Sequence[str] = ()) -> Relation:  # noqa: ARG002 - fixed here
        """As it was given."""
        if table not in self.relations:
            raise SourceError(f"the source has no table {table}", temporary=False)
        return self.relations[table]

    def chunk(
        self, relation: Relation, after: Row | None, limit: int, where: str | None = None,
        most: int | None = None,
    ) -> Chunk:  # fmt: skip
        """Rows in the order of their keys; `where` is refused, as there is no SQL."""
        if where is not None:
            raise SourceError("there is no SQL here", temporary=False)
        found = self._read(relation)
        keys = sorted(key for key in found if after is None or key > after)
        rows = [found[key] for key in keys[:limit]]
        if most is None:
            return Chunk(relation, rows, None)
        some, cut = taken(rows, relation, most)
        return Chunk(relation, some, None, cut)

    def rows(self, relation: Relation, keys: Sequence[Row]) -> Chunk:
        """Those that are there."""
        found = self._read(relation)
        return Chunk(relation, [found[key] for key in keys if key in found], None)

    def unlogged(self, relation: Relation) -> frozenset[str]:  # noqa: ARG002 - of any table
        """What the script says."""
        self.asked += 1
        return self.writers

    def estimate(self, relation: Relation) -> int:
        """How many there are."""
        return len(self.tables[relation.table])

    def close(self) -> None:
        """Note it."""
        self.closed += 1

    def _read(self, relation: Relation) -> dict[Row, Row]:
        self.before_chunk()
        if self.failure is not None:
            raise self.failure
        with self.source.changed:
            return dict(self.tables[relation.table])

    def _key(self, table: str, row: Row) -> Row:
        return tuple(row[index] for index in self.relations[table].key)


def marker(stream: str, kind: str, seq: int, body: Mapping[str, object] | str = "{}") -> Change:
    """A marker as it stands in the log."""
    text = body if isinstance(body, str) else json.dumps(body)
    return Change(_MARKERS, Op.UPDATE, None, (stream, kind, seq, text))
