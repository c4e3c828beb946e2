"""The loop: read, sift, apply, again; and what becomes of it when something fails."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import structlog
from sqlalchemy import Connection, select, update

from cdc.applier.counters import Counters
from cdc.applier.held import WAITING, Held
from cdc.applier.leases import LEASE, FencedError, Leases
from cdc.applier.leaving import put_aside
from cdc.applier.places import Place, Sifted, TopicTable, sift
from cdc.applier.ports import (
    AsIs,
    Reader,
    RowMapping,
    Stopped,
    Target,
    TargetTable,
    TopicPartition,
    Verdict,
)
from cdc.applier.reading import Reading, begin_anew
from cdc.applier.tables import applied_table, ensure, stream_table
from cdc.applier.transaction import HELD, Assigned, Transaction, set_state
from cdc.applier.trouble import Trouble
from cdc.applier.truncating import stand_there
from cdc.applier.writer import BrokenError
from cdc.applier.writes import Shaper
from cdc.config.model import Stream
from cdc.failpoints import reach
from cdc.threshold import Crossing, Threshold

log = structlog.get_logger(__name__)

BATCH: Final = 2_000
"""Records that one transaction applies at most."""
RETRY: Final = 0.5
"""Seconds between attempts at what waits, while nothing else happens."""
BACK_OFF: Final = (0.1, 10.0)
"""First and longest pause after a temporary failure, in seconds."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one step did."""

    records: int = 0
    rows: int = 0
    dropped: int = 0
    mended: int = 0


class Applier:
    """Applies one stream's topics to its target. Used by one thread."""

    def __init__(
        self, stream: Stream, target: Target, reader: Reader,
        mappings: Mapping[str, RowMapping] | None = None,
        *, clock: Callable[[], float] = time.time, owner: str | None = None,
        lease: float = LEASE, batch: int = BATCH,
    ) -> None:  # fmt: skip
        """`mappings` by the source's table; `clock` gives seconds since 1970; `owner` is unique."""
        self._stream, self._target, self._clock = stream, target, clock
        self._reading = Reading(reader, stream)
        self._batch, self._lease = batch, lease
        self._topics = {
            f"{stream.topics.prefix}.{table.table}": TopicTable(
                table.table, table.to, (mappings or {}).get(table.table, AsIs())
            )
            for table in stream.tables
        }
        owner = owner or f"{socket.gethostname()[:40]}/{os.getpid()}/{uuid4().hex[:8]}"
        self._leases = Leases(stream.name, owner, lease)
        self._shaper = Shaper(stream.unknown_columns)
        self._connection: Connection | None = None
        self._tables: dict[str, TargetTable] = {}
        self._assigned = Assigned(0)
        self._refreshed_at = self._retried_at = 0.0
        self._epoch: int | None = None
        self._waiting: dict[TopicPartition, int] = {}
        self._retry_pause = RETRY
        self._late = Threshold(stream.limits.lag)
        self.counters = Counters()
        self._trouble = Trouble(stream, target, self.counters, self._now_ms)

    def run(self, stop: threading.Event, *, poll: float = 0.2) -> None:
        """Apply until `stop` is set. Raises `Stopped` where it cannot go on by itself."""
        pause = BACK_OFF[0]
        try:
            while not stop.is_set():
                try:
                    self.step(poll)
                    pause = BACK_OFF[0]
                    self._trouble.over()
                except FencedError as error:
                    log.info("partition_lost", stream=self._stream.name, reason=str(error))
                    self._refreshed_at = 0.0
                except Stopped as stopped:
                    self._trouble.say_stopped(str(stopped))
                    raise
                except Exception as error:  # noqa: BLE001 - judged by the target
                    self._trouble.judge(error)
                    stop.wait(pause)
                    pause = min(pause * 2, BACK_OFF[1])
        finally:
            self.close()

    def step(self, timeout: float = 0.0) -> Report:
        """Read and apply once. Raises what the database raises; the next step begins anew."""
        try:
            connection = self._ready()
            self._hold_leases(connection)
            records = self._reading.poll(self._batch, timeout)
            sifted = sift(records, self._assigned.places, self._topics)
            report = self._apply(connection, sifted) if self._due(sifted) else Report()
            self._clear_truncated(connection)
            self._reading.follow(self._assigned.places, self._waiting)
            return report
        except BaseException:
            self._drop_session()
            raise

    def close(self) -> None:
        """Give the leases up, end the session and the reading. May be called twice."""
        try:
            with self._target.engine.begin() as connection:
                self._leases.release(connection)
        except Exception as error:  # noqa: BLE001 - they run out by themselves
            log.info("leases_not_released", stream=self._stream.name, error=type(error).__name__)
        finally:
            self._drop_session()
            self._target.engine.dispose()
            self._reading.close()

    def _ready(self) -> Connection:
        if self._connection is None:
            connection = self._connection = self._target.engine.connect()
            with connection.begin():
                self._target.prepare(connection)
            with connection.begin():
                ensure(connection, self._stream.name)
                self._begin_epoch(connection)
                self._leases.add(connection, self._partitions())
            with connection.begin():
                self._tables = {
                    topic: self._target.describe(connection, table.target)
                    for topic, table in self._topics.items()
                }
        return self._connection

    def _partitions(self) -> list[TopicPartition]:
        count = self._stream.topics.partitions
        return [(topic, number) for topic in sorted(self._topics) for number in range(count)]

    def _begin_epoch(self, connection: Connection) -> None:
        """The epoch of the first session is this applier's for good: a later one is not its."""
        query = select(stream_table.c.epoch).where(stream_table.c.stream == self._stream.name)
        epoch: int = connection.execute(query).scalar_one()
        if self._epoch is None:
            self._epoch = epoch
            set_state(connection, self._stream.name, "running", "", self._now_ms())
            targets = {table.target for table in self._topics.values()}
            put_aside(connection, self._stream.name, self._topics, targets)
        self._assigned = Assigned(self._epoch)

    def _hold_leases(self, connection: Connection) -> None:
        """Renew, take what is due, and read exactly what is held and not blocked."""
        late = abs(self._clock() - self._refreshed_at) >= self._lease / 3
        if late or self._reading.lacks(self._topics.keys()):
            with connection.begin():
                self._same_topics(connection)
                places = self._leases.refresh(connection)
            self._adopt(connection, places)
            self._refreshed_at = self._clock()

    def _same_topics(self, connection: Connection) -> None:
        """Our offsets count in the topics they were taken from, and in no others of that name."""
        ours, rows = applied_table.c.stream == self._stream.name, applied_table.c
        for topic, identity in self._reading.topic_ids(sorted(self._topics)).items():
            here = ours & (rows.topic == topic)
            other = here & rows.next_offset.is_not(None) & (rows.topic_id != identity)
            if connection.execute(select(rows.partition).where(other)).first() is not None:
                raise Stopped(
                    f"the topic {topic} is another one than was read before: it was deleted and"
                    f" made anew, and what it held is lost; {begin_anew(self._stream)}"
                )
            unnamed = here & (rows.topic_id.is_(None) | (rows.topic_id != identity))
            connection.execute(update(applied_table).where(unnamed).values(topic_id=identity))

    def _adopt(self, connection: Connection, places: dict[TopicPartition, Place]) -> None:
        moved = {
            partition
            for partition, place in places.items()
            if place.next_offset != self._offset(partition)
        }
        self._assigned.places = places
        with connection.begin():
            self._assigned.held = Held(self._stream.name).keys(connection, places, HELD)
        self._count_held()
        self._reading.follow(places, self._waiting, moved)

    def _offset(self, partition: TopicPartition) -> int | None:
        known = self._assigned.places.get(partition)
        return known.next_offset if known else None

    def _due(self, sifted: Sifted) -> bool:
        return bool(sifted.places) or (self.counters.waiting > 0 and self._retry_due())

    def _retry_due(self) -> bool:
        return (
            self.counters.waiting > 0 and abs(self._clock() - self._retried_at) >= self._retry_pause
        )

    def _apply(self, connection: Connection, sifted: Sifted) -> Report:
        """In one go; row by row only if one of the rows fails."""
        retry = self._retry_due() or (sifted.markers > 0 and self.counters.waiting > 0)
        try:
            done = self._commit(connection, sifted, careful=False, retry=retry)
        except (Stopped, FencedError):
            raise
        except Exception as error:
            if not isinstance(error, BrokenError) and self._target.judge(error) not in {
                Verdict.CONFLICT,
                Verdict.UNFIT,
            }:
                raise
            self.counters.careful += 1
            done = self._commit(connection, sifted, careful=True, retry=retry)
        return self._count(sifted, done)

    def _commit(
        self, connection: Connection, sifted: Sifted, *, careful: bool, retry: bool
    ) -> Transaction:
        began = self._clock()
        with connection.begin():
            transaction = self._transaction(connection)
            transaction.apply(sifted, careful=careful, retry=retry)
            reach("before_commit")
        reach("after_commit")
        self._assigned.places |= transaction.places
        if retry:
            self._note_retry(began)
        return transaction

    def _transaction(self, connection: Connection) -> Transaction:
        transaction = Transaction(
            connection, self._stream.name, self._target, self._assigned, self._leases,
            self._tables, self._topics, self._shaper, self._now_ms(),
        )  # fmt: skip
        transaction.lock()
        return transaction

    def _note_retry(self, began: float) -> None:
        """What takes long is done seldom: most of the time is for what is new."""
        self._retried_at = self._clock()
        self._retry_pause = max(RETRY, 5 * (self._retried_at - began))

    def _count(self, sifted: Sifted, transaction: Transaction) -> Report:
        counters, done = self.counters, transaction.done
        counters.batches += 1
        counters.rows += done.rows
        counters.records += len(sifted.items) + sifted.markers
        counters.dropped += sifted.dropped
        counters.mended += done.mended
        counters.ignored = len(self._shaper.ignored)
        if committed := max((p.committed_ms for p in sifted.places.values()), default=0):
            counters.lag_ms = max(0, self._now_ms() - committed)
            self._say_lag()
        self._count_held()
        return Report(len(sifted.items), done.rows, sifted.dropped, done.mended)

    def _say_lag(self) -> None:
        lag_ms = self.counters.lag_ms
        crossing = self._late.judge(lag_ms / 1000, self._clock())
        if crossing is not None:
            event = "apply_late" if crossing is Crossing.ABOVE else "apply_in_time"
            log.warning(event, stream=self._stream.name, lag_ms=lag_ms)

    def _count_held(self) -> None:
        held = self._assigned.held
        self._waiting = {
            partition: count
            for partition, keys in held.items()
            if (count := sum(state == WAITING for state in keys.values()))
        }
        keys = sum(map(len, held.values()))
        self.counters.waiting = sum(self._waiting.values())
        self.counters.parked = keys - self.counters.waiting
        if keys >= HELD:
            raise Stopped(
                f"stream {self._stream.name}: {HELD} keys cannot be applied; see strangler_parked "
                "in the target for the reasons (constraints that the source does not have?)"
            )

    def _clear_truncated(self, connection: Connection) -> None:
        """Apply truncates that all partitions of their topic stand at."""
        blocked = {p[0] for p, place in self._assigned.places.items() if place.truncate_at}
        for topic in sorted(blocked):
            with connection.begin():
                self._transaction(connection)
                if stand_there(connection, self._stream.name, topic):
                    self._target.clear(connection, self._tables[topic])
            with connection.begin():
                places = self._leases.places(connection)
            self._adopt(connection, places)

    def _drop_session(self) -> None:
        """Forget everything that is known from the database: it will be read again."""
        connection, self._connection = self._connection, None
        self._reading.forget()
        self._refreshed_at = 0.0
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
