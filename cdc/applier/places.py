"""How far each partition has been applied, and what a poll adds to that. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from cdc.applier.ports import Record, RowMapping, TopicPartition
from cdc.applier.records import Item, Passed, read, record_id, relay_epoch, unreadable
from cdc.change import Op
from cdc.envelope import DecodeError, RecordId

NOTHING: Final = RecordId(-1, 0, 0)
"""Before every record."""
CROWD: Final = 1_000
"""Waiting keys of a partition after which the others are read first."""


@dataclass(slots=True)
class Place:
    """How far one partition has been applied: a row of `strangler_applied`."""

    next_offset: int | None = None
    """Where reading goes on; None for the log's start."""
    id: RecordId = NOTHING
    """The last record that counts: nothing that is not greater is applied again."""
    relay_epoch: int = 0
    """The greatest epoch seen in this partition.

    It is compared within the partition only: another one may still hold records of an earlier
    relay that nobody has read yet, and those are no late ones.
    """
    marker_seq: int = 0
    """The greatest marker that counts as passed."""
    seen_seq: int = 0
    """The greatest marker read. It counts as passed once no record before it waits."""
    complete_seq: int = 0
    """The marker that said that the table's snapshot lies before it; 0 for none."""
    truncate_at: str | None = None
    """The id of the truncate this partition stands at, until all others stand there too."""
    committed_ms: int = 0
    """When the last record was committed at the source."""


@dataclass(slots=True)
class Sifted:
    """What one poll brings."""

    items: list[Item] = field(default_factory=list)
    places: dict[TopicPartition, Place] = field(default_factory=dict)
    """The new places of the partitions that moved."""
    dropped: int = 0
    """Records that had been applied before, or came from a relay that has been replaced."""
    markers: int = 0


@dataclass(frozen=True, slots=True)
class TopicTable:
    """What a topic holds."""

    source: str
    """The table as the stream names it."""
    target: str
    """The table in the target."""
    mapping: RowMapping


def sift(
    records: Sequence[Record],
    places: Mapping[TopicPartition, Place],
    topics: Mapping[str, TopicTable],
) -> Sifted:
    """Leave out what is known, decode and map the rest, and say where the partitions then stand."""
    sifted = Sifted()
    for record in records:
        partition = (record.topic, record.partition)
        place = sifted.places.get(partition)
        if place is None:
            if partition not in places:
                continue  # its lease has gone since it was fetched
            place = sifted.places[partition] = replace(places[partition])
        if place.truncate_at is None and record.offset >= (place.next_offset or 0):
            _one(sifted, record, place, topics[record.topic])
    return sifted


def _one(sifted: Sifted, record: Record, place: Place, topic: TopicTable) -> None:
    place.next_offset = record.offset + 1
    if record.value is None:
        return  # a tombstone, for Kafka's own compaction
    try:
        id_ = record_id(record)
    except DecodeError as error:
        sifted.items.append(unreadable(record, place.id, str(error)))
        return
    epoch = relay_epoch(record)
    if epoch < place.relay_epoch or id_ <= place.id:
        sifted.dropped += 1
        return
    place.relay_epoch, before = epoch, place.id
    place.id = id_
    found = read(record, id_, topic.mapping)
    if isinstance(found, Passed):
        _pass(sifted, place, found, topic)
        return
    place.committed_ms = found.at_ms or place.committed_ms
    if found.op is Op.TRUNCATE:
        # Stay before it: it is applied when every partition of the topic stands here.
        place.next_offset, place.id, place.truncate_at = record.offset, before, str(id_)
    else:
        sifted.items.append(found)


def _pass(sifted: Sifted, place: Place, marker: Passed, topic: TopicTable) -> None:
    sifted.markers += 1
    place.committed_ms = marker.at_ms
    place.seen_seq = max(place.seen_seq, marker.seq)
    if marker.completes(topic.source):
        place.complete_seq = marker.seq


def readable(
    places: Mapping[TopicPartition, Place], waiting: Mapping[TopicPartition, int], *, idle: bool
) -> frozenset[TopicPartition]:
    """Which partitions to read from now.

    Not those that stand at a truncate. And not those where many rows wait for others (children
    that are ahead of their parents), unless there is nothing else to read (`idle`).
    """
    free = frozenset(p for p, place in places.items() if place.truncate_at is None)
    patient = frozenset(p for p in free if waiting.get(p, 0) < CROWD)
    return patient if patient and not idle else free


def all_stand_there(places: Sequence[Place]) -> bool:
    """Whether a truncate may be applied: no partition of its topic can still bring older rows.

    Each partition stands at its own copy of the truncate. One whose copy has expired in Kafka, and
    which therefore is beyond it, holds nobody up.
    """
    ids = [_parse(place.truncate_at) for place in places if place.truncate_at]
    if not ids:
        return False
    first = min((id_.incarnation, id_.position) for id_ in ids)
    return all(
        place.truncate_at or (place.id.incarnation, place.id.position) > first for place in places
    )


def cleared(place: Place) -> Place:
    """A partition's place after the truncate it stood at."""
    assert place.truncate_at is not None
    assert place.next_offset is not None
    id_ = _parse(place.truncate_at)
    return replace(place, next_offset=place.next_offset + 1, id=id_, truncate_at=None)


def _parse(text: str) -> RecordId:
    incarnation, position, index = text.split("/")
    return RecordId(int(incarnation), int(position, 16), int(index))
