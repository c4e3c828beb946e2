"""One stream: `sync.NAME`, with its settings of Kafka, topics and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cdc.config.kafka import KAFKA
from cdc.config.model import Delivery, Kafka, Limits, Stream, Topics, UnknownColumns
from cdc.config.shapes import (
    BROKERS,
    DATABASE_URL,
    OWNER,
    PREFIX,
    TABLE_NAME,
    ShortOr,
)
from cdc.config.tables import TABLES, PlacedTable, tables_agree
from strangler.kit.nodes import Node, walk
from strangler.kit.quantities import DURATION, POSITIVE_DURATION, SIZE
from strangler.kit.reader import Reader
from strangler.kit.records import Field, Record
from strangler.kit.scalars import BOOL, choice, integer


@dataclass(frozen=True, slots=True)
class Draft:
    """What one stream says, with the places of it; its name is still to come."""

    node: Node
    said: Mapping[str, Any]

    @property
    def tables(self) -> tuple[PlacedTable, ...]:
        """The tables with their places."""
        tables: tuple[PlacedTable, ...] = self.said["tables"]
        return tables

    def stream(self, name: str) -> Stream:
        """The stream under its name, which is also where its topics begin by default."""
        topics = Topics(**{"prefix": name, **self.said.get("topics", {})})
        tables = tuple(placed.table for placed in self.tables)
        return Stream(**{**self.said, "name": name, "tables": tables, "topics": topics})


TOPICS: Record[dict[str, Any]] = Record(
    "`topics`",
    [
        Field("prefix", PREFIX, "Begins the name of each topic. Default: the stream's name."),
        Field("partitions", integer(1, 10_000), "Of each topic, fixed at the start. Default 4."),
        Field("replication", integer(1, 100), "Copies of each partition. Default 1."),
        Field("retention", POSITIVE_DURATION, "How long Kafka keeps changes. Default 7d."),
        Field("compact", BOOL, "Whether old changes of a key may go sooner. Default false."),
    ],
    dict,
)


class _LimitsRecord(Record[Limits]):
    """Bounds that leave room for each other, the defaults included."""

    def read(self, node: Node, reader: Reader) -> Limits | None:
        """The bounds."""
        limits = super().read(node, reader)
        if limits is None:
            return None
        errors = reader.errors
        for low, high, why in _ORDERED:
            if getattr(limits, low) > getattr(limits, high):
                place = walk(node, low)
                reader.error(
                    place if place is not node else walk(node, high),
                    f"`{low}` ({getattr(limits, low)} bytes) is more than `{high}`"
                    f" ({getattr(limits, high)} bytes): {why}",
                )
        return None if reader.errors > errors else limits


_ORDERED = (
    ("record", "memory", "one record must fit, so write less, or more memory"),
    ("memory", "spill", "disk takes what memory does not hold, so write less, or more disk"),
    ("retained_warn", "retained_stop", "a warning must come first, so write less"),
)

LIMITS = _LimitsRecord(
    "`limits`",
    [
        Field("record", SIZE, "The largest record; others are dead letters. Default 1000000."),
        Field("memory", SIZE, "Of changes that the relay holds. Default 64MiB."),
        Field("spill", SIZE, "Disk for transactions not yet committed. Default 32GiB."),
        Field("retained_warn", SIZE, "Of the source's log kept, before a warning. Default 1GiB."),
        Field("retained_stop", SIZE, "Then the relay gives the log up. Default 16GiB."),
        Field("lag", POSITIVE_DURATION, "From commit to applied, before a warning. Default 30s."),
        Field("chunk", integer(1, 1_000_000), "Rows of a snapshot's chunk. Default 5000."),
        Field("rate", integer(1, 100_000_000), "Rows a second of a snapshot. Default: no limit."),
    ],
    Limits,
)


class _StreamRecord(Record[Draft]):
    """One stream."""

    def read(self, node: Node, reader: Reader) -> Draft | None:
        """What it says; None if anything in it is wrong."""
        errors = reader.errors
        said = self.values(node, reader)
        if said is None:
            return None
        for place, message in tables_agree(said, node):
            reader.error(place, message)
        return None if reader.errors > errors else Draft(node, said)


STREAM = _StreamRecord(
    "a stream",
    [
        Field(
            "source", DATABASE_URL, "Where the tables are read.", True, "source: ${DATABASE_URL}"
        ),
        Field("tables", TABLES, "The tables that are copied.", True, "tables: [reviews_review]"),
        Field("target", DATABASE_URL, "Where they are copied to. Default: nowhere."),
        Field("owner", OWNER, "The team."),
        Field(
            "kafka",
            ShortOr(KAFKA, BROKERS, lambda brokers, _: Kafka(brokers=brokers)),
            "Where the topics are.",
        ),
        Field(
            "topics", ShortOr(TOPICS, PREFIX, lambda prefix, _: {"prefix": prefix}), "The topics."
        ),
        Field("delivery", choice(Delivery), "What is promised about Kafka. Default fenced."),
        Field("outbox", TABLE_NAME, "Table whose inserted rows are events. Default: none."),
        Field("unknown_columns", choice(UnknownColumns), "That the target lacks. Default stop."),
        Field("heartbeat", DURATION, "Between markers of an idle stream; 0 is off. Default 10s."),
        Field("limits", LIMITS, "Bounds, and when to warn."),
    ],
    Draft,
)
