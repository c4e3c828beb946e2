"""Records that could not be applied: kept in `strangler_parked`, in the order of their key.

A record whose row violates a foreign or unique key *waits*: another partition may bring what it
lacks. It is stored in the same transaction that moves its partition on, so that nothing is lost
with the process, and its partition reports no marker meanwhile. Once the next marker has come out
of every partition nothing can come any more that mends it, and it is *parked*. What no row of the
target can ever hold is parked at once. Later changes of a held key line up behind it, until they
can be applied: one by one, or together as what they come to (a whole row mends what was parked).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, delete, func, insert, select, update

from cdc.applier.places import TopicTable
from cdc.applier.ports import Record, TopicPartition
from cdc.applier.records import Item, Passed, read
from cdc.applier.tables import applied_table, parked_table
from cdc.envelope import decode_id

WAITING: Final = "waiting"
PARKED: Final = "parked"

HeldKey: TypeAlias = tuple[TopicPartition, str]
"""A partition, and a record's key as text."""

_P = parked_table.c


@dataclass(frozen=True, slots=True)
class Hold:
    """A record to be held."""

    item: Item
    state: str
    reason: str
    after_seq: int
    """The greatest marker read from its partition so far."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A held record, read back."""

    row_id: int
    key: HeldKey
    item: Item
    after_seq: int


def key_text(key: bytes | None) -> str:
    """A record's key as it stands in the table."""
    return (key or b"").decode(errors="backslashreplace")


def held_key(item: Item) -> HeldKey:
    """Where an item lines up."""
    record = item.record
    return (record.topic, record.partition), key_text(record.key)


class Held:
    """The held records of one stream."""

    def __init__(self, stream: str) -> None:
        self._stream = stream

    def keys(self, connection: Connection, partitions: Iterable[TopicPartition],
             limit: int) -> dict[TopicPartition, dict[str, str]]:  # fmt: skip
        """Each partition's held keys, with `waiting` or `parked`; at most `limit` rows."""
        mine: dict[TopicPartition, dict[str, str]] = {p: {} for p in partitions}
        rows = connection.execute(
            select(_P.topic, _P.partition, _P.key_json, func.max(_P.state))
            .where(_P.stream == self._stream)
            .group_by(_P.topic, _P.partition, _P.key_json)
            .limit(limit)
        )
        for topic, partition, key, state in rows:
            if (topic, partition) in mine:
                mine[topic, partition][key] = state
        return mine

    def add(self, connection: Connection, holds: Sequence[Hold], now_ms: int) -> None:
        """Store records."""
        if holds:
            connection.execute(insert(parked_table), [self._row(hold, now_ms) for hold in holds])

    def _row(self, hold: Hold, now_ms: int) -> dict[str, Any]:
        item, record = hold.item, hold.item.record
        return {
            "stream": self._stream, "topic": record.topic, "partition": record.partition,
            "offset": record.offset, "record_id": str(item.id),
            "key_json": key_text(record.key),
            "value": (record.value or b"").decode(errors="backslashreplace"),
            "op": item.op.value, "state": hold.state, "after_seq": hold.after_seq,
            "reason": item.reason or hold.reason, "parked_ms": now_ms,
        }  # fmt: skip

    def load(
        self, connection: Connection, keys: Collection[HeldKey], topics: Mapping[str, TopicTable],
        limit: int,
    ) -> list[Stored]:  # fmt: skip
        """Up to `limit` records of these keys, in the order of each key."""
        if not keys:
            return []
        by_partition: dict[TopicPartition, list[str]] = {}
        for partition, key in keys:
            by_partition.setdefault(partition, []).append(key)
        stored: list[Stored] = []
        for (topic, number), names in by_partition.items():
            rows = connection.execute(
                select(_P.id, _P.key_json, _P.value, _P.record_id, _P.offset, _P.after_seq)
                .where(_P.stream == self._stream, _P.topic == topic, _P.partition == number)
                .where(_P.key_json.in_(names[:limit]))
                .order_by(_P.offset)
                .limit(limit)
            )
            for row in rows:
                item = _item(row, topic, number, topics[topic])
                stored.append(Stored(row.id, ((topic, number), row.key_json), item, row.after_seq))
        return sorted(stored, key=lambda one: (one.item.id, one.item.record.offset))

    def remove(self, connection: Connection, ids: Collection[int]) -> None:
        """Forget records that have been applied."""
        if ids:
            connection.execute(delete(parked_table).where(_P.id.in_(ids)))

    def remove_topic(self, connection: Connection, topic: str) -> None:
        """Forget the held records of a table that has been truncated."""
        connection.execute(delete(parked_table).where(_P.stream == self._stream, _P.topic == topic))

    def horizon(self, connection: Connection) -> int:
        """The greatest marker that has come out of every partition of the stream."""
        query = select(func.min(applied_table.c.seen_seq)).where(
            applied_table.c.stream == self._stream
        )
        return connection.execute(query).scalar() or 0

    def park(self, connection: Connection, stuck: Iterable[Stored], horizon: int) -> None:
        """Park what lies before a marker that is out of every partition."""
        ids = [one.row_id for one in stuck if one.after_seq < horizon]
        if ids:
            connection.execute(update(parked_table).where(_P.id.in_(ids)).values(state=PARKED))


def _item(row: Any, topic: str, number: int, table: TopicTable) -> Item:
    record = Record(topic, number, row.offset, row.key_json.encode(), row.value.encode(), ())
    item = read(record, decode_id(row.record_id.encode()), table.mapping)
    assert not isinstance(item, Passed)
    return item
