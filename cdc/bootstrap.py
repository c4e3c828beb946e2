"""Puts the relay's parts together: the only place in `cdc` that knows all of them.

The command line, the benchmarks and whoever embeds the relay start here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cdc.config.model import Delivery, Stream

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from cdc.relay.counters import Counters
    from cdc.relay.relay import Relay, Wanted
    from cdc.relay.session import Parts, Session


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
    from cdc.checkpoint import open_engine
    from cdc.relay.relay import Relay

    stream = at_home(stream, home)
    engine = open_engine(home.store)
    return Relay(stream, lambda: _parts(stream, home, engine), wanted, counters)


def partner_of(stream: Stream) -> str:
    """The origin of what the opposite stream's applier writes into this stream's source."""
    from cdc.config.names import REVERSE_NAME

    if stream.reverse:
        return f"strangler:{stream.name.removesuffix(REVERSE_NAME)}"
    return f"strangler:{stream.name}{REVERSE_NAME}"


def _parts(stream: Stream, home: Home, engine: Engine) -> Parts:
    from cdc.checkpoint import SqlCheckpoints
    from cdc.kafka.sink import KafkaSink
    from cdc.kafka.topics import ensure_topics
    from cdc.mapping import outgoings
    from cdc.relay.session import Parts
    from cdc.sources import open_control, open_source

    checkpoints = SqlCheckpoints(engine, stream.name)
    epoch = checkpoints.claim()
    ensure_topics(stream)
    exactly = stream.delivery is Delivery.EXACTLY_ONCE
    topic = f"{stream.topics.prefix}.checkpoint" if exactly else None
    return Parts(
        source=open_source(stream, home.folder / stream.name),
        connect=lambda: open_control(stream),
        sink=KafkaSink(stream.kafka, stream.name, stream.delivery, stream.limits, topic),
        checkpoints=checkpoints,
        epoch=epoch,
        outgoing=outgoings(stream),
        partner=partner_of(stream),
        report=_reporter(engine, stream),
    )


def _reporter(engine: Engine, stream: Stream) -> Callable[[Session], None]:
    from cdc.checkpoint import report
    from cdc.relay.status import status

    return lambda session: report(engine, stream.name, "relay", status(session))
