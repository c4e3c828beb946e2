"""From the changes of a transaction to records in Kafka.

Counts the records of each transaction, as (position, index) is their identity: whatever is emitted
for a change must be the same, in the same order, when the transaction is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cdc.change import ABSENT, Begin, Change, Marker, Op, Relation, Row
from cdc.config.model import Stream, TableSync
from cdc.envelope import (
    NULL,
    TRUNCATE_KEY,
    EncodeError,
    Log,
    Outgoing,
    RowCodec,
    Transaction,
)
from cdc.relay.counters import Counters
from cdc.relay.dead import DeadLetters
from cdc.relay.outbox import outbox_event
from cdc.relay.ports import Sink, TooLargeError
from cdc.snapshot import MOST_AGAIN, Touched


@dataclass(frozen=True, slots=True)
class Era:
    """What stays the same from one start of the relay to the next."""

    incarnation: int
    epoch: int
    partitions: int
    """Of each topic."""


@dataclass(slots=True)
class _Target:
    """Where the records of one relation go."""

    codec: RowCodec
    topic: str


class Emitter:
    """Hands the records of one transaction after another to the sink."""

    def __init__(
        self,
        stream: Stream,
        log: Log,
        sink: Sink,
        outgoing: Mapping[str, Callable[[Relation], Outgoing | None]],
        era: Era,
        dead: DeadLetters,
        counters: Counters,
    ) -> None:
        self._stream, self._log, self._sink, self._era = stream, log, sink, era
        self._outgoing = outgoing
        self._tables: Mapping[str, TableSync] = {table.table: table for table in stream.tables}
        self._dead, self._counters = dead, counters
        self._targets: dict[Relation, _Target | None] = {}
        self._skip = 0
        self.index = 0
        """How many records of the transaction have been emitted."""
        self.touched: Touched | None = None
        """Set while a snapshot runs."""
        self.halves: dict[str, list[Row]] = {}
        """By table: keys that the transaction gave to rows of which the log has a part only."""

    def begin(self, begin: Begin, position: str, now_ms: int, skip: int = 0) -> None:
        """A transaction begins; its first `skip` records are in Kafka already."""
        era = self._era
        self._xid = begin.xid
        self._transaction = Transaction(
            self._log, begin, position, era.incarnation, era.epoch, now_ms
        )
        self.index, self._skip = 0, skip
        if self.halves:
            self.halves = {}

    @property
    def reached(self) -> int:
        """How many records of the transaction are in Kafka or handed over."""
        return max(self.index, self._skip)

    def change(self, change: Change) -> None:
        """One change of a configured table or the outbox; others leave no trace."""
        target = self._target(change.relation)
        if target is None:
            self._event(change)
            return
        if self.touched is not None:
            self.touch(change)
        before, after = change.before, change.after
        if after is None:
            if before is None:
                self._truncate(target)
            else:
                self._delete(target, before)
        elif before is None:
            self._record(target, change.op, after, None, after)
        elif (after := _completed(before, after)) and (
            target.codec.key_values(before) == target.codec.key_values(after)
        ):
            self._record(target, change.op, after, before, after)
        else:  # another key is another row, perhaps in another partition
            self._delete(target, before)
            self._record(target, Op.CREATE, after, None, after)
            if ABSENT in after:
                self._half(target, after)

    def touch(self, change: Change) -> None:
        """Note the keys of a change for the snapshot that runs."""
        target = self._target(change.relation)
        if target is None or self.touched is None:
            return
        table = change.relation.table
        before, after, key = change.before, change.after, target.codec.key_values
        if before is not None and after is not None:
            after = _completed(before, after)
        if before is not None and (after is None or key(before) != key(after)):
            self.touched.touch(self._xid, table, key(before), whole=True)
        if after is not None:
            self.touched.touch(self._xid, table, key(after), whole=ABSENT not in after)
        elif before is None:
            self.touched.truncate(self._xid, table)

    def read(self, relation: Relation, row: Row) -> None:
        """A row of a snapshot, as of the marker's transaction."""
        if (target := self._target(relation)) is not None:
            self._record(target, Op.READ, row, None, row)

    def missing(self, relation: Relation, row: Row) -> None:
        """A row that a repair did not find; `row` has its key, and ABSENT elsewhere."""
        if (target := self._target(relation)) is not None:
            self._delete(target, row)

    def marker(self, marker: Marker, *, hold: bool = False) -> bool:
        """Copy a marker to every partition of every topic; whether it was not held back.

        It is held back while rows are missing that were written before it: by dead letters, by
        halves, or by what the caller knows (`hold`).
        """
        index, key = self._take(), b'{"marker":"%b"}' % marker.kind.encode()
        if hold or self.halves or self._dead:
            self._counters.markers_held += 1
            return False
        if index is not None:
            value = self._transaction.marker(marker)
            headers = self._transaction.headers(index)
            for table in self._stream.tables:
                topic = topic_of(self._stream, table.table)
                for partition in range(self._era.partitions):
                    self._sink.produce(topic, key, value, headers, partition)
        return True

    def _half(self, target: _Target, row: Row) -> None:
        keys = self.halves.setdefault(target.codec.relation.table, [])
        if len(keys) <= MOST_AGAIN:  # one too many says that there are more
            keys.append(target.codec.key_values(row))

    def _delete(self, target: _Target, row: Row) -> None:
        delivered = self._record(target, Op.DELETE, row, row, None)
        if not self._stream.topics.compact:
            return
        # Its number is taken in any case, so that all that follow have theirs.
        index = self._take()
        if delivered and index is not None:
            headers = self._transaction.headers(index)
            self._sink.produce(target.topic, target.codec.key(row), None, headers)

    def _record(
        self, target: _Target, op: Op, keyed: Row, before: Row | None, after: Row | None
    ) -> bool:
        """One record; False where a dead letter took its place."""
        index = self.index
        self.index = index + 1
        return index < self._skip or self._deliver(target, op, index, keyed, before, after)

    def _deliver(
        self, target: _Target, op: Op, index: int, keyed: Row, before: Row | None,
        after: Row | None,
    ) -> bool:  # fmt: skip
        """Hand a record over, or its dead letter; whether it was the record."""
        codec, transaction = target.codec, self._transaction
        headers = transaction.headers(index)
        unavailable: tuple[str, ...] = ()
        old = new = NULL
        try:
            key = codec.key(keyed)
            if before is not None:
                old, _ = codec.row(before)
            if after is not None:
                new, unavailable = codec.row(after)
        except EncodeError as error:
            if (short := _shortened(codec.relation, before)) is not None:
                return self._deliver(target, op, index, keyed, short, after)
            gone = after is None
            self._dead.unwritable(target.topic, codec, keyed, str(error), headers, gone=gone)
            return False
        value = transaction.value(codec.relation, op, index, old, new, unavailable)
        if self._dead and not self._dead.admits(target.topic, key, whole=not unavailable):
            self._dead.follow(target.topic, key, value, headers)
            return False
        try:
            self._sink.produce(target.topic, key, value, headers)
        except TooLargeError as error:
            if (short := _shortened(codec.relation, before)) is not None:
                return self._deliver(target, op, index, keyed, short, after)
            self._dead.add(target.topic, key, value, str(error), headers)
            return False
        self._counters.records += 1
        return True

    def _truncate(self, target: _Target) -> None:
        if (index := self._take()) is None:
            return
        value = self._transaction.value(target.codec.relation, Op.TRUNCATE, index, NULL, NULL)
        headers = self._transaction.headers(index)
        for partition in range(self._era.partitions):
            self._sink.produce(target.topic, TRUNCATE_KEY, value, headers, partition)
        self._dead.emptied(target.topic)

    def _event(self, change: Change) -> None:
        """A row inserted into the outbox is an event; other rows of it are its housekeeping."""
        outbox = change.relation.table == self._stream.outbox
        if not outbox or change.op is not Op.CREATE or change.after is None:
            return
        if (index := self._take()) is None:
            return
        event = outbox_event(change.relation, change.after)
        headers = [*self._transaction.headers(index), *event.headers]
        reason = event.problem
        if reason is None:
            try:
                self._sink.produce(event.topic, event.key, event.value, headers)
                self._counters.records += 1
                return
            except TooLargeError as error:
                reason = str(error)
        self._dead.event(event.topic, event.key, event.value or b"", reason, headers)

    def _take(self) -> int | None:
        """The index of the next record; None if it is in Kafka already."""
        index = self.index
        self.index = index + 1
        return None if index < self._skip else index

    def _target(self, relation: Relation) -> _Target | None:
        try:
            return self._targets[relation]
        except KeyError:
            target = None
            if relation.table in self._tables:
                codec = RowCodec(relation, self._outgoing[relation.table](relation))
                target = _Target(codec, topic_of(self._stream, relation.table))
            self._targets[relation] = target
            return target


def topic_of(stream: Stream, table: str) -> str:
    """The topic of one table."""
    return f"{stream.topics.prefix}.{table}"


def _shortened(relation: Relation, before: Row | None) -> Row | None:
    """The old row as its key alone; None where it is no more than that already.

    What is wrong with an old row, or too much of it, must not keep the new one away.
    """
    if before is None:
        return None
    short = tuple(value if i in relation.key else ABSENT for i, value in enumerate(before))
    return None if short == before else short


def _completed(before: Row, after: Row) -> Row:
    """The new row with what only the old one carries: values stored out of line and unchanged."""
    if ABSENT not in after:
        return after
    return tuple(old if new is ABSENT else new for old, new in zip(before, after, strict=True))
