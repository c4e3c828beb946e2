"""Names that follow from a stream's own: its topics, its reverse direction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cdc.config.model import Stream

REVERSE_NAME: Final = "-reverse"
"""Ends the name of a stream's reverse direction."""
REVERSE_PREFIX: Final = ".reverse"
"""Ends the prefix of its topics."""
LONGEST_NAME: Final = 63
"""Of a stream, as `strangler.kit.shapes.name` has it."""
LONGEST_TOPIC: Final = 249
"""Kafka's own limit."""


def command(verb: str, stream: Stream, *more: str) -> str:
    """`strangler cdc VERB …` for a stream, as a person types it: messages are to be pasted.

    A reverse direction has a name of its own, which the command line does not know.
    """
    way = ("--reverse",) if stream.reverse else ()
    return " ".join(("strangler cdc", verb, forward_name(stream), *way, *more))


def forward_name(stream: Stream) -> str:
    """The name in the file, whatever the direction."""
    return stream.name.removesuffix(REVERSE_NAME) if stream.reverse else stream.name


def topics_of(stream: Stream) -> Iterator[str]:
    """All topics that are the stream's own, as docs/formats.md lists them."""
    prefix = stream.topics.prefix
    yield from (f"{prefix}.{table.table}" for table in stream.tables)
    yield f"{prefix}.dead-letters"
    yield f"{prefix}.checkpoint"


def reverse_topics_of(stream: Stream) -> Iterator[str]:
    """Those of its reverse direction."""
    prefix = stream.topics.prefix + REVERSE_PREFIX
    yield from (f"{prefix}.{name}" for name in sorted({table.to for table in stream.tables}))
    yield f"{prefix}.dead-letters"
    yield f"{prefix}.checkpoint"
