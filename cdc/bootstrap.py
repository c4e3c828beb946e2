"""Puts the relay's parts together: the only place in `cdc` that knows all of them.

The command line, the benchmarks and whoever embeds the relay start here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdc.config.model import Delivery, Stream

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from cdc.applier.applier import Applier
    from cdc.applier.ports import Record
    from cdc.relay.counters import Counters
    from cdc.relay.ports import Checkpoints, Source
    from cdc.relay.relay import Relay, Wanted
    from cdc.relay.session import Parts, Session
    from cdc.store import SqlCheckpoints


@dataclass(frozen=True, slots=True)
class Home:
    """Where the processes of a table's streams keep what is theirs."""

    store: str
    """URL of the database with the checkpoints."""
    folder: Path
    """For transactions that are not yet committed."""
    brokers: tuple[str, ...] | None = None
    """Instead of the table's own."""


def at_home(stream: Stream, home: Home) -> Stream:
    """The stream with this home's brokers."""
    if home.brokers is None:
        return stream
    return replace(stream, kafka=replace(stream.kafka, brokers=home.brokers))


def relay(stream: Stream, home: Home, wanted: Wanted, counters: Counters) -> Relay:
    """The relay of a stream; connects to the store only."""
    from cdc.relay.relay import Around, Relay
    from cdc.sources import open_control, open_source
    from cdc.store import SqlCheckpoints, note_end, open_engine

    stream = at_home(stream, home)
    engine = open_engine(home.store)
    row = SqlCheckpoints(engine, stream.name)  # one for all sessions: it knows its last epoch
    return Relay(
        stream,
        lambda source: _parts(stream, source, engine, row, anew=wanted.resnapshot),
        lambda: open_source(stream, home.folder / stream.name),
        lambda: open_control(stream),
        wanted,
        counters,
        Around(
            # With exactly once Kafka's is what counts, and it moves until the sink is open.
            (lambda: None) if stream.delivery is Delivery.EXACTLY_ONCE else row.load,
            lambda reason: note_end(engine, stream.name, "relay", row.epoch, reason),
        ),
    )


def applier(stream: Stream, home: Home) -> Applier:
    """The applier of a stream; connects nothing yet. Raises `Stopped` for one without a target."""
    from cdc.applier.applier import Applier
    from cdc.applier.ports import Stopped
    from cdc.applier.targets import open_target
    from cdc.functions import load
    from cdc.kafka.reader import Reader
    from cdc.mapping import mappings

    stream = at_home(stream, home)
    if stream.target is None:
        raise Stopped(f"the stream {stream.name} has no `target:` in the route table")
    return Applier(
        stream,
        open_target(stream.target, stream.name, reverse=stream.reverse),
        Reader(stream.kafka, committed_only=stream.delivery is not Delivery.AT_LEAST_ONCE),
        mappings(stream, load),
    )


def forget_checkpoint(stream: Stream, home: Home) -> None:
    """Make the relay's next start a first one: its source has forgotten the stream."""
    from cdc.store import forget, open_engine

    engine = open_engine(home.store)
    try:
        forget(engine, stream.name)
    finally:
        engine.dispose()


def forget_offsets(stream: Stream) -> None:
    """Let the applier read the topics from their start; what it has applied stays known.

    For topics that were lost or are others than before. A snapshot must follow, as what they held
    and was not applied is gone.
    """
    from cdc.applier import state
    from cdc.applier.tables import ensure
    from cdc.applier.targets import open_target

    if stream.target is None:
        return
    engine = open_target(stream.target, stream.name, reverse=stream.reverse).engine
    try:
        with engine.begin() as connection:
            ensure(connection, stream.name)
            state.restart(connection, stream.name)
    finally:
        engine.dispose()


def retry_parked(stream: Stream) -> int:
    """Let the applier try again what it has parked; how many records."""
    from cdc.applier import state
    from cdc.applier.ports import Stopped
    from cdc.applier.targets import open_target

    if stream.target is None:
        raise Stopped(f"the stream {stream.name} has no `target:` in the route table")
    engine = open_target(stream.target, stream.name, reverse=stream.reverse).engine
    try:
        with engine.begin() as connection:
            return state.retry(connection, stream.name)
    finally:
        engine.dispose()


def switch_guard(stream: Stream, name: str, side: str, action: str) -> dict[str, Any]:
    """Install, close, open or remove the guard of one side, or ask its `status`.

    `name` is the forward stream's, whatever the direction. Raises `GuardError`.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from cdc.applier.targets import open_target
    from cdc.guards import GuardError, guard_of

    url = stream.source if side == "source" else stream.target
    if url is None:
        raise GuardError(f"the stream {stream.name} has no `target:`")
    tables = [each.table if side == "source" else each.to for each in stream.tables]
    engine = open_target(url, stream.name).engine
    guard = guard_of(engine, name, tables)
    reached = False
    try:
        with engine.connect():
            reached = True
        if action != "status":
            with engine.begin() as connection:
                getattr(guard, action)(connection)
        with engine.begin() as connection:
            state = guard.state(connection).value
    except SQLAlchemyError as error:
        # The driver's own words: SQLAlchemy's carry the statement, and a link.
        raise GuardError(
            f"the {side} of {name}: {error.__cause__ or error}", unreachable=not reached
        ) from error
    finally:
        engine.dispose()
    return {"stream": name, "side": side, "tables": tables, "state": state}


def records(stream: Stream, tables: Sequence[str], *, from_start: bool) -> Iterator[dict[str, Any]]:
    """What is in the topics of these tables, from their start or from now on, without end."""
    from cdc.kafka.reader import Reader

    partitions = [
        (f"{stream.topics.prefix}.{table}", number)
        for table in tables
        for number in range(stream.topics.partitions)
    ]
    with closing(Reader(stream.kafka, committed_only=True)) as reader:
        ends = {each: None if from_start else reader.watermarks(each)[1] for each in partitions}
        reader.assign(ends)
        while True:
            yield from (_shown(record) for record in reader.poll(500, 1.0))


def _shown(record: Record) -> dict[str, Any]:
    from cdc.envelope import DecodeError, decode, decode_key

    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    shown = {"topic": record.topic, "partition": record.partition, "offset": record.offset,
             "headers": headers}  # fmt: skip
    try:
        value = None if record.value is None else dict(decode(record.value))
        return {**shown, "key": dict(decode_key(record.key)), "value": value}
    except DecodeError as error:
        return {**shown, "key": None, "value": None, "broken": str(error)}


def partner_of(stream: Stream) -> str:
    """The origin of what the opposite stream's applier writes into this stream's source."""
    from cdc.config.names import REVERSE_NAME, forward_name

    if stream.reverse:
        return f"strangler:{forward_name(stream)}"
    return f"strangler:{stream.name}{REVERSE_NAME}"


def _parts(
    stream: Stream, source: Source, engine: Engine, row: SqlCheckpoints, *, anew: bool
) -> Parts:
    from cdc.checkpoint import Checkpoint
    from cdc.config.names import command
    from cdc.kafka.sink import KafkaSink
    from cdc.kafka.topics import ensure_topics
    from cdc.mapping import outgoings
    from cdc.relay.session import Parts
    from cdc.sources import open_control
    from cdc.store import CommittedCheckpoints

    kept = row.load()
    undo = command("init", stream, "--undo")
    filled = kept is not None and not Checkpoint.from_bytes(kept, undo).is_forgotten
    # A relay that cannot reach Kafka must not end the one that can: it claims nothing before.
    ensure_topics(stream, filled=filled and not anew)
    epoch = row.claim()
    topic = None
    checkpoints: Checkpoints = row
    if stream.delivery is Delivery.EXACTLY_ONCE:
        topic = f"{stream.topics.prefix}.checkpoint"
        checkpoints = CommittedCheckpoints(row, partial(_committed, stream, topic), undo)
    return Parts(
        source=source,
        connect=lambda: open_control(stream),
        sink=KafkaSink(
            stream.kafka,
            stream.name,
            stream.delivery,
            stream.limits,
            topic,
            make_topic=lambda event: ensure_topics(stream, event),
        ),
        checkpoints=checkpoints,
        epoch=epoch,
        outgoing=outgoings(stream),
        partner=partner_of(stream),
        report=_reporter(engine, stream),
    )


def _committed(stream: Stream, topic: str) -> bytes | None:
    from cdc.applier.ports import ReaderError
    from cdc.kafka.lookup import last_checkpoint
    from cdc.relay.ports import SinkError

    try:
        return last_checkpoint(stream.kafka, topic)
    except ReaderError as error:
        raise SinkError(str(error), temporary=error.temporary) from error


def _reporter(engine: Engine, stream: Stream) -> Callable[[Session], None]:
    from cdc.relay.status import status
    from cdc.store import report

    return lambda session: report(engine, stream.name, "relay", status(session))
