"""Names that follow from a stream's own: its topics, its slot, its reverse direction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
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
_LONGEST_SLOT: Final = 63
"""PostgreSQL's NAMEDATALEN less one."""


def slot_name(stream: str) -> str:
    """What a stream's replication slot and publication are called.

    PostgreSQL takes lower-case letters, digits and `_` in the name of a slot; two streams may
    therefore want the same one, which the file's check refuses.
    """
    name = "strangler_" + re.sub(r"[^a-z0-9_]", "_", stream.lower())
    if len(name) <= _LONGEST_SLOT:
        return name
    tail = blake2b(stream.encode(), digest_size=4).hexdigest()
    return f"{name[: _LONGEST_SLOT - len(tail) - 1]}_{tail}"


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
