"""The relay of one stream: session after session, until it is told to stop or cannot go on."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

import structlog

from cdc.change import Identity, Position
from cdc.checkpoint import Checkpoint, CheckpointError
from cdc.config.model import Stream
from cdc.config.names import command
from cdc.loops import COMPILED
from cdc.relay.counters import Counters
from cdc.relay.history import check_history, number_on
from cdc.relay.joining import joined
from cdc.relay.ports import SinkError, Source, SourceControl, SourceError
from cdc.relay.retention import RetentionError
from cdc.relay.session import Parts, Session
from cdc.snapshot import INITIAL, Run

_FIRST_WAIT, _LONGEST_WAIT = 0.2, 30.0
_CALM = 10.0
"""Seconds that a session must have lasted for the next wait to be the shortest again."""
_OPEN_WITHIN = 60.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a relay is to start."""

    snapshot: bool = True
    """Whether what is there already is copied: at the first start, and of a table that joins the
    stream later. A reverse stream never does."""
    resnapshot: bool = False
    """Whether to begin a new incarnation: the log was lost, or is another one."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a relay asks and tells its store outside of sessions."""

    known: Callable[[], bytes | None] = lambda: None
    """The checkpoint before anything is claimed, where it is sure to be the newest."""
    ended: Callable[[str], None] = lambda _reason: None
    """Told when the relay ends in order, and why; raises `CheckpointError`."""


class RelayError(Exception):
    """The relay cannot go on without a person; the message says what to do."""


class Relay:
    """Runs sessions; a failed one that may heal is followed by another after a growing wait."""

    def __init__(
        self,
        stream: Stream,
        make: Callable[[Source], Parts],
        source: Callable[[], Source],
        connect: Callable[[], SourceControl],
        wanted: Wanted,
        counters: Counters,
        around: Around = Around(),
    ) -> None:
        """`make` connects to the store and to Kafka; `source` opens the source's log alone.

        `connect` opens an ordinary session on the source's database.
        """
        self._stream, self._make, self._source, self._wanted = stream, make, source, wanted
        self._connect, self._around = connect, around
        self.counters = counters

    def run(self, stop: threading.Event) -> None:
        """Relay until `stop` is set. Raises `RelayError`."""
        reason = ""
        try:
            self._run(stop)
        except BaseException as error:
            reason = str(error) if isinstance(error, RelayError) else type(error).__name__
            raise
        finally:
            self._say_ended(reason)

    def _say_ended(self, reason: str) -> None:
        try:
            self._around.ended(reason)
        except CheckpointError as error:  # it will be found out by the time that passes
            log.info("end_not_noted", stream=self._stream.name, reason=str(error))

    def _run(self, stop: threading.Event) -> None:
        wait = _FIRST_WAIT
        while not stop.is_set():
            began = time.monotonic()
            try:
                self._session(stop)
            except (SourceError, SinkError, CheckpointError) as error:
                if not error.temporary:
                    raise RelayError(str(error)) from error
                log.warning("relay_interrupted", stream=self._stream.name, reason=str(error))
                if not isinstance(error, SourceError):
                    self._spare_the_disk()
            wait = _FIRST_WAIT if time.monotonic() - began > _CALM else wait
            stop.wait(wait * random.uniform(0.5, 1.0))
            wait = min(wait * 2, _LONGEST_WAIT)

    def _session(self, stop: threading.Event) -> None:
        with closing(self._source()) as source:
            self._may_begin(source)
            with closing((parts := self._make(source)).sink):
                self._relay(parts, stop)

    def _may_begin(self, source: Source) -> None:
        """Whether this relay could go on at all: one that cannot must not end the one that can."""
        here, checkpoint = source.identity(), self._checkpoint(self._around.known())
        goes_on = checkpoint is not None and not checkpoint.is_forgotten
        if checkpoint is not None and goes_on and not self._wanted.resnapshot:
            self._check(here, checkpoint)

    def _relay(self, parts: Parts, stop: threading.Event) -> None:
        # Before the checkpoint is read: nothing of an earlier relay can still become a fact.
        parts.sink.open(_OPEN_WITHIN)
        checkpoint = self._pinned(parts)
        parts.checkpoints.save(checkpoint.to_bytes())
        number_on(self._stream, self._connect, checkpoint)
        # Once it is a fact, so that a failure before leaves it to the next session.
        self._wanted = replace(self._wanted, resnapshot=False)
        log.info(
            "relay_started",
            stream=self._stream.name,
            epoch=parts.epoch,
            incarnation=checkpoint.incarnation,
            position=parts.source.text(checkpoint.resume),
            loops="compiled" if COMPILED else "plain",
        )
        try:
            Session(self._stream, parts, checkpoint, self.counters).run(stop)
        except RetentionError:
            parts.source.release()
            raise

    def _spare_the_disk(self) -> None:
        """Give the log up if it has grown too far while Kafka could not be reached."""
        source = self._source()
        try:
            size = source.retained()
            if size >= self._stream.limits.retained_stop:
                source.release()
                raise RelayError(str(RetentionError(self._stream, size)))
        except SourceError:
            return  # the next session says what is wrong with it
        finally:
            source.close()

    def _pinned(self, parts: Parts) -> Checkpoint:
        """The checkpoint to go on from, its log being the one that is there."""
        checkpoint = self._checkpoint(parts.checkpoints.load())
        if checkpoint is not None and self._wanted.resnapshot:
            rows = self._wanted.snapshot
            if checkpoint.prefix in {"", self._stream.topics.prefix}:
                self._check_partitions(checkpoint)
            return self._first(
                parts, checkpoint.incarnation + 1, rows=rows, marker=checkpoint.marker
            )
        if checkpoint is None or checkpoint.is_forgotten:
            # For want of a checkpoint, one that is greater than every earlier one: an epoch.
            if checkpoint is None:
                return self._first(parts, parts.epoch, rows=self._rows)
            return self._first(
                parts, checkpoint.incarnation, rows=self._rows, marker=checkpoint.marker
            )
        self._check(parts.source.identity(), checkpoint)
        parts.source.start(checkpoint.resume)
        # Now that the source has said that it brings the changes of every table.
        going_on = joined(checkpoint, self._stream, rows=self._rows)
        if checkpoint.tables not in {None, going_on.tables}:
            log.info("tables_changed", stream=self._stream.name, tables=going_on.tables,
                     before=checkpoint.tables, snapshot=self._rows)  # fmt: skip
        return going_on

    def _first(self, parts: Parts, incarnation: int, *, rows: bool, marker: int = 0) -> Checkpoint:
        resume: Position = parts.source.start(None)
        tables = self._stream.tables if rows else ()
        return Checkpoint(
            identity=parts.source.identity(),
            incarnation=incarnation,
            resume=resume,
            partitions=self._stream.topics.partitions,
            prefix=self._stream.topics.prefix,
            marker=marker,
            runs=tuple(Run(INITIAL, table.table) for table in tables),
            tables=tuple(table.table for table in self._stream.tables),
        )

    @property
    def _rows(self) -> bool:
        """Whether tables that are new to the stream are copied, and not their changes alone.

        The way back begins while the other side owns the rows: what is there already is a copy that
        lags, and must not overwrite what it was copied from.
        """
        return self._wanted.snapshot and not self._stream.reverse

    def _checkpoint(self, kept: bytes | None) -> Checkpoint | None:
        undo = command("init", self._stream, "--undo")
        return Checkpoint.from_bytes(kept, undo) if kept else None

    def _check(self, here: Identity, checkpoint: Checkpoint) -> None:
        name, anew = self._stream.name, command("run", self._stream, "--resnapshot")
        differs = here.differences(checkpoint.identity)
        if differs:
            raise RelayError(
                f"the source of the stream {name} is not the one that was read before"
                f" ({'; '.join(differs)}): changes between the two are lost; resume with"
                f" `{anew}`"
            )
        if checkpoint.prefix not in {"", self._stream.topics.prefix}:
            raise RelayError(
                f"the topics of the stream {name} began with {checkpoint.prefix} and routes.yaml"
                f" says {self._stream.topics.prefix}: new topics would lack everything before;"
                " write the old prefix, or fill new ones by"
                f" `{anew}`"
            )
        self._check_partitions(checkpoint)
        check_history(self._stream, self._connect, checkpoint)

    def _check_partitions(self, checkpoint: Checkpoint) -> None:
        name = self._stream.name
        if checkpoint.partitions != self._stream.topics.partitions:
            raise RelayError(
                f"the topics of the stream {name} have {checkpoint.partitions} partitions and"
                f" routes.yaml says {self._stream.topics.partitions}: a key must stay in its"
                f" partition, so write `partitions: {checkpoint.partitions}`"
            )
