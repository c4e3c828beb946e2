"""One session of a relay: from the checkpoint, until it is told to stop or something fails.

It holds nothing that a crash could lose: whatever ends a session, the next one starts from the
checkpoint. The order at the end of each stretch is the whole of the promise:

    records handed over -> Kafka has them -> checkpoint -> source may forget
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cdc.change import Begin, Change, Commit, Event, MarkerKind, Reached, Relation
from cdc.checkpoint import Checkpoint
from cdc.config.model import Delivery, Stream
from cdc.envelope import Log, Outgoing
from cdc.failpoints import reach
from cdc.relay.chores import Chores, Duties
from cdc.relay.chunks import ChunkReader
from cdc.relay.counters import Counters
from cdc.relay.dead import DeadLetters
from cdc.relay.emitter import Emitter, Era
from cdc.relay.markers import MARKER_TABLE, marker_of
from cdc.relay.ports import Checkpoints, Sink, Source, SourceControl
from cdc.relay.retention import Retention
from cdc.relay.saver import Saver
from cdc.relay.snapshots import Snapshots

CHECKPOINT_EVERY = 1.0
"""Seconds between checkpoints: what has to be sent again after a crash is about that much."""
BEHIND_MS = 1_000
SETTLE_BEHIND = 0.5
SETTLE_WITHIN = 60.0
FINISH_WITHIN = 1.0
"""Seconds that a relay which was told to stop reads on for the end of a transaction."""
WAIT = 0.5
"""Seconds that a read waits for the next event; also how soon a stop is noticed."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a session works with; made anew for each."""

    source: Source
    connect: Callable[[], SourceControl]
    """Opens ordinary sessions on the source's database."""
    sink: Sink
    checkpoints: Checkpoints
    epoch: int
    outgoing: Mapping[str, Callable[[Relation], Outgoing | None]]
    """By table: which columns of a relation leave, and how."""
    partner: str | None
    """The origin of transactions that the opposite stream's applier wrote: dropped."""
    report: Callable[[Session], None]


class Session:
    """See the module's docstring."""

    def __init__(
        self, stream: Stream, parts: Parts, checkpoint: Checkpoint, counters: Counters
    ) -> None:
        self.stream, self.parts, self.counters = stream, parts, counters
        self.checkpoint = checkpoint
        source, sink = parts.source, parts.sink
        self._dead = DeadLetters(
            sink,
            f"{stream.topics.prefix}.dead-letters",
            counters,
            checkpoint.dead,
            stream.limits.record,
        )
        log = Log(stream.name, source.connector, source.database)
        era = Era(checkpoint.incarnation, parts.epoch, checkpoint.partitions)
        self._emitter = Emitter(stream, log, sink, parts.outgoing, era, self._dead, counters)
        keys = {table.table: table.key for table in stream.tables}
        reader = ChunkReader(parts.connect, stream.name, parts.epoch, stream.limits, keys)
        self.snapshots = Snapshots(reader, self._emitter, counters, list(keys), checkpoint.runs)
        self._chores = Chores(
            Duties(
                stream.name, parts.connect, source, stream.heartbeat,
                Retention(stream, counters).look,
                counters,
                lambda: parts.report(self),
            )
        )  # fmt: skip
        self._resume, self._newest = checkpoint.resume, checkpoint.marker
        self._begin: Begin | None = None
        self._cut = checkpoint.partial
        """A transaction that an earlier session began, until it has been read again."""
        self._dropping = False
        self._unsettled: float | None = None
        """When the first record was handed over that Kafka has not confirmed."""
        self._saver = Saver(parts.checkpoints)
        self._due = 0.0
        """When the next checkpoint is due."""
        self._kept = checkpoint
        """What was saved last, or is being saved."""
        self._marked: set[tuple[str, str]] = set()
        """Runs whose COMPLETE marker is on its way."""
        self._held = bool(checkpoint.dead) or self.snapshots.owing
        """Whether a marker was held back, and none has been written since."""
        self._prompt = stream.delivery is not Delivery.AT_LEAST_ONCE

    def run(self, stop: threading.Event) -> None:
        """Relay until `stop` is set. Raises `SourceError`, `SinkError`, `CheckpointError`."""
        self._chores.start()
        try:
            while not stop.is_set():
                self._step()
            self._end()
        finally:
            self._saver.close()
            self.snapshots.close()
            self._chores.stop()

    def _step(self) -> None:
        events = self.parts.source.read(0.0 if self._unsettled and self._prompt else WAIT)
        self._handle(events)
        self.parts.sink.poll()
        if self._settle_is_due(idle=not events):
            self._settle()
        if self._begin is None:
            self._checkpoint()
        self._confirm()
        self._look_after_others()

    def _handle(self, events: Sequence[Event]) -> None:
        """What was read, in order. Changes are by far the most frequent."""
        emit = self._emitter.change
        for event in events:
            if type(event) is Change:
                if self._dropping or event.relation.table == MARKER_TABLE:
                    self._special(event)
                else:
                    emit(event)
                if self._unsettled is None:
                    self._unsettled = time.monotonic()
            elif type(event) is Begin:
                self._began(event)
            elif type(event) is Commit:
                self._committed(event)
            elif type(event) is Reached and self._begin is None:
                self._resume = max(self._resume, event.resume)

    def _began(self, begin: Begin) -> None:
        reach("before_produce")
        self._begin = begin
        self._dropping = begin.origin is not None and begin.origin == self.parts.partner
        if self._dropping:
            self.counters.dropped_loops += 1
        skip = self._cut[1] if self._cut and self._cut[0] == begin.position else 0
        now_ms = time.time_ns() // 1_000_000
        self._emitter.begin(begin, self.parts.source.text(begin.position), now_ms, skip)
        self.snapshots.began(begin.xid)
        self.counters.committed_ms = begin.at_ms
        self.counters.lag_ms = max(0, now_ms - begin.at_ms)

    def _special(self, change: Change) -> None:
        """A marker, or a change that the partner's applier made."""
        if change.relation.table == MARKER_TABLE:
            self._marker(change)
        else:
            self._emitter.touch(change)

    def _committed(self, commit: Commit) -> None:
        self._begin = self._cut = None
        self._resume = commit.resume
        if self._emitter.halves:
            self.snapshots.again(self._emitter.halves)
        self.counters.transactions += 1
        reach("after_produce")
        # Here too, as under load what was read seldom ends where a transaction does.
        self._checkpoint()

    def _marker(self, change: Change) -> None:
        marker = marker_of(change)
        if marker is None or marker.stream != self.stream.name:
            return
        self._newest = max(self._newest, marker.seq)
        of_a_snapshot = self.snapshots.seen(marker)
        # After it: who finds the number in a report finds what it asked for there, too.
        self.counters.marker_seq = max(self.counters.marker_seq, marker.seq)
        if of_a_snapshot:
            return
        forwarded = self._emitter.marker(marker, hold=self.snapshots.owing)
        self._held = self._held or not forwarded
        if marker.kind != MarkerKind.COMPLETE:
            return
        if forwarded:
            self.snapshots.completed(marker.body)
        else:
            self._marked.discard((str(marker.body.get("run")), str(marker.body.get("table"))))

    def _settle_is_due(self, *, idle: bool) -> bool:
        if self._unsettled is None:
            return False
        if idle and self._prompt:
            return True
        after = settle_after(self.parts.sink.settle_after, self.counters.lag_ms)
        return time.monotonic() - self._unsettled >= after

    def _settle(self) -> None:
        """Have Kafka confirm everything.

        In the middle of a transaction there is no new checkpoint, except with exactly once, where
        it says how far the transaction has come.
        """
        self.checkpoint = self._progress()
        self.parts.sink.settle(self.checkpoint.to_bytes() if self._exactly else None, SETTLE_WITHIN)
        self._unsettled = None
        self.counters.settled += 1
        reach("after_settle")

    def _progress(self) -> Checkpoint:
        if self._begin is None:
            partial = self._cut
        elif self._exactly:
            partial = (self._begin.position, self._emitter.reached)
        else:
            return self.checkpoint
        return replace(
            self.checkpoint,
            resume=self._resume,
            partial=partial,
            runs=self.snapshots.runs,
            dead=self._dead.keys,
            marker=self._newest,
        )

    def _checkpoint(self) -> None:
        """Between transactions: settle, and begin to save how far that is."""
        if time.monotonic() < self._due or self._saver.busy:
            return
        if self._unsettled is not None or self._progress() != self._kept:
            self._settle()
            self._kept = self.checkpoint
            self._saver.begin(self.checkpoint)
        self._due = time.monotonic() + CHECKPOINT_EVERY

    def _confirm(self) -> None:
        """Let the source forget what is before a checkpoint that has become durable."""
        saved = self._saver.saved()
        if saved is not None:
            reach("after_checkpoint")
            self.parts.source.confirm(saved.resume)
            reach("after_confirm")

    def _end(self) -> None:
        """The last checkpoint of a relay that was told to stop."""
        self._finish()
        self._saver.close()
        self._confirm()
        if self._begin is None or self._exactly:
            self._settle()
            self.parts.checkpoints.save(self.checkpoint.to_bytes())
            self.parts.source.confirm(self.checkpoint.resume)

    def _finish(self) -> None:
        """Read to the end of the transaction that is open, where that is near.

        The part of it that is in Kafka would be sent again otherwise. What was read beyond it
        comes again, as nothing of it was handed over.
        """
        deadline = time.monotonic() + FINISH_WITHIN
        while self._begin is not None and time.monotonic() < deadline:
            self._handle_to_commit(self.parts.source.read(FINISH_WITHIN / 2))

    def _handle_to_commit(self, events: Sequence[Event]) -> None:
        for event in events:
            self._handle([event])
            if type(event) is Commit:
                return

    @property
    def _exactly(self) -> bool:
        return self.stream.delivery is Delivery.EXACTLY_ONCE

    def _look_after_others(self) -> None:
        if self._chores.failure is not None:
            raise self._chores.failure
        self.snapshots.go_on()
        if self._dead or self.snapshots.owing:
            return  # markers would be held back
        if self._held:  # whoever waits for those that were need not wait for the next heartbeat
            self._held = False
            self._chores.mark(MarkerKind.HEARTBEAT, {})
        for run in self.snapshots.complete:
            if (run.id, run.table) not in self._marked:
                self._marked.add((run.id, run.table))
                body = {"run": run.id, "table": run.table, "rows": run.rows}
                self._chores.mark(MarkerKind.COMPLETE, body)


def settle_after(usual: float, lag_ms: int) -> float:
    """Seconds from the first unsettled record to the next `settle`.

    Longer where the log is far ahead: each one stops the stream for some milliseconds, and who
    reads what is a second old sees nothing sooner by it.
    """
    return max(usual, SETTLE_BEHIND) if lag_ms >= BEHIND_MS else usual
