"""Which partitions an applier reads: leases in `strangler_applied`.

A lease runs by the target's own clock. It says who *should* apply a partition; what makes it safe
is that every transaction changes the partition's row only where it is still its own, so that an
applier which has lost a lease without knowing writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Update,
    bindparam,
    func,
    insert,
    not_,
    select,
    update,
)

from cdc.applier.leaving import take_up
from cdc.applier.places import Place
from cdc.applier.ports import TopicPartition
from cdc.applier.tables import applied_table, now_ms
from cdc.envelope import RecordId

LEASE: Final = 15.0
"""Seconds after which another applier may take a partition over."""

_T = applied_table.c


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a partition."""

    partition: TopicPartition
    owner: str | None
    live: bool
    """Whether it has not run out."""


class FencedError(Exception):
    """A partition's row is no longer what this applier wrote: someone else holds the partition."""


def to_take(leases: Sequence[Lease], me: str) -> list[Lease]:
    """What to take so that all live appliers hold about as much. Pure.

    First what is free; then one at a time from whoever holds most, as long as that narrows the
    difference. An applier that is robbed notices at its next transaction, which then does nothing.
    """
    held = Counter(lease.owner for lease in leases if lease.live and lease.owner)
    held[me] += 0
    share = -(-len(leases) // len(held))
    take = [lease for lease in leases if not (lease.live and lease.owner)]
    take = take[: max(0, share - held[me])]
    held[me] += len(take)
    for lease in leases:
        if lease.live and lease.owner and lease.owner != me and held[lease.owner] - held[me] >= 2:
            take.append(lease)
            held[lease.owner] -= 1
            held[me] += 1
    return take


class Leases:
    """One applier's leases on the partitions of one stream."""

    def __init__(self, stream: str, owner: str, ttl: float) -> None:
        self._stream, self._owner, self._ttl_ms = stream, owner, int(ttl * 1000)
        self._advance: Update | None = None

    def add(self, connection: Connection, partitions: Iterable[TopicPartition]) -> None:
        """Rows for partitions that have none. A row of another stream's topic stays alone."""
        known = set(connection.execute(self._mine(_T.topic, _T.partition)))
        fresh = [
            self._new(partition)
            for partition in partitions
            if partition not in known and not take_up(connection, self._stream, partition)
        ]
        if fresh:
            connection.execute(insert(applied_table), fresh)

    def _new(self, partition: TopicPartition) -> dict[str, Any]:
        return {
            "stream": self._stream, "topic": partition[0], "partition": partition[1],
            "applied_ms": 0, "lease_until": 0, **columns_of(Place()),
        }  # fmt: skip

    def refresh(self, connection: Connection) -> dict[TopicPartition, Place]:
        """Renew what is held, take what is due; the places of all partitions held then."""
        now = now_ms(connection)
        until = now + self._ttl_ms
        connection.execute(
            update(applied_table)
            .where(_T.stream == self._stream, _T.lease_owner == self._owner)
            .values(lease_until=until)
        )
        rows = connection.execute(
            self._mine(_T.topic, _T.partition, _T.lease_owner, live(now, self._ttl_ms)).order_by(
                _T.topic, _T.partition
            )
        )
        leases = [Lease((row[0], row[1]), row[2], bool(row[3])) for row in rows]
        for lease in to_take(leases, self._owner):
            connection.execute(
                update(applied_table)
                .where(self._is(lease.partition))
                .where(_T.lease_owner.is_(None) if lease.owner is None
                       else _T.lease_owner == lease.owner)
                .where(live(now, self._ttl_ms) if lease.live else not_(live(now, self._ttl_ms)))
                .values(lease_owner=self._owner, lease_until=until)
            )  # fmt: skip
        return self.places(connection)

    def places(self, connection: Connection) -> dict[TopicPartition, Place]:
        """The places of the partitions that are held, from the database."""
        rows = connection.execute(self._mine().where(_T.lease_owner == self._owner))
        return {(row.topic, row.partition): place_of(row) for row in rows}

    def release(self, connection: Connection) -> None:
        """Give all of them up, so that others need not wait until they run out."""
        connection.execute(
            update(applied_table)
            .where(_T.stream == self._stream, _T.lease_owner == self._owner)
            .values(lease_owner=None, lease_until=0)
        )

    def advance(
        self, connection: Connection, partition: TopicPartition, old: Place, new: Place,
        applied_ms: int,
    ) -> None:  # fmt: skip
        """Move one partition, and renew its lease; raises `FencedError` if it is not ours."""
        if self._advance is None:
            self._advance = _advance(now_ms(connection))
        given = {
            "in_stream": self._stream, "in_topic": partition[0], "in_partition": partition[1],
            "in_owner": self._owner, "in_ttl": self._ttl_ms,
            "from_offset": -1 if old.next_offset is None else old.next_offset,
            "new_applied_ms": applied_ms,
        }  # fmt: skip
        given |= {f"new_{name}": value for name, value in columns_of(new).items()}
        if connection.execute(self._advance, given).rowcount != 1:
            raise FencedError(f"{partition[0]}/{partition[1]} is held by another applier")

    def _mine(self, *columns: Any) -> Any:
        return select(*(columns or (applied_table,))).where(_T.stream == self._stream)

    def _is(self, partition: TopicPartition) -> Any:
        topic, number = partition
        return (_T.stream == self._stream) & (_T.topic == topic) & (_T.partition == number)


def live(now: ColumnElement[int], ttl_ms: int = int(LEASE * 1000)) -> ColumnElement[bool]:
    """Not run out; nor much longer than a lease is, as after a clock that was put back."""
    return _T.lease_until.between(now + 1, now + 2 * ttl_ms)


def _advance(now: ColumnElement[int]) -> Update:
    """Built once: it runs for every partition of every batch."""
    names = [*columns_of(Place()), "applied_ms"]
    return (
        update(applied_table)
        .where(_T.stream == bindparam("in_stream"), _T.topic == bindparam("in_topic"))
        .where(_T.partition == bindparam("in_partition"))
        .where(_T.lease_owner == bindparam("in_owner"))
        .where(func.coalesce(_T.next_offset, -1) == bindparam("from_offset"))
        .values({name: bindparam(f"new_{name}") for name in names})
        .values(lease_until=now + bindparam("in_ttl", type_=BigInteger()))
    )


def columns_of(place: Place) -> dict[str, Any]:
    """A place as columns of `strangler_applied`."""
    return {
        "next_offset": place.next_offset, "incarnation": place.id.incarnation,
        "position": f"{place.id.position:016x}", "idx": place.id.index,
        "relay_epoch": place.relay_epoch, "marker_seq": place.marker_seq,
        "seen_seq": place.seen_seq, "complete_seq": place.complete_seq,
        "truncate_at": place.truncate_at, "committed_ms": place.committed_ms,
    }  # fmt: skip


def place_of(row: Row[Any]) -> Place:
    """A place from a row of `strangler_applied`."""
    return Place(
        row.next_offset, RecordId(row.incarnation, int(row.position, 16), row.idx),
        row.relay_epoch, row.marker_seq, row.seen_seq, row.complete_seq, row.truncate_at,
        row.committed_ms,
    )  # fmt: skip
