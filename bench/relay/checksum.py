"""Whether what came out is what went in: a checksum for each partition, without I/O.

Each row is brought to one canonical form, whoever wrote it down, and hashed; the hashes of a
partition are added up, so that their order does not matter but a row that is there twice, is
missing, is in another partition or has another value does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson

from cdc.murmur2 import partition_of

_MODULUS = 1 << 64

COLUMNS = (
    "id", "user_id", "product_id", "rating", "title", "body", "price", "created_at", "verified",
    "extra",
)  # fmt: skip
_CREATED_AT = COLUMNS.index("created_at")


@dataclass(slots=True)
class Checksum:
    """What a set of partitions holds: number of rows and sum of hashes of each."""

    counts: dict[int, int] = field(default_factory=dict)
    hashes: dict[int, int] = field(default_factory=dict)

    def add(self, partition: int, row: Sequence[Any]) -> None:
        """Count a canonical row in."""
        digest = blake2b(orjson.dumps(row), digest_size=8).digest()
        self.counts[partition] = self.counts.get(partition, 0) + 1
        hashes = self.hashes.get(partition, 0) + int.from_bytes(digest, "big")
        self.hashes[partition] = hashes % _MODULUS

    @property
    def rows(self) -> int:
        """Of all partitions."""
        return sum(self.counts.values())


class WrongAnswerError(Exception):
    """A reader delivered something else than what was written; the message says what."""


def of_table(rows: Iterable[Sequence[Any]], partitions: int) -> Checksum:
    """What the topics must hold, from the rows of the table in the order of `COLUMNS`."""
    found = Checksum()
    for row in rows:
        found.add(partition_of(b'{"id":%d}' % row[0], partitions), canonical(row))
    return found


def canonical(row: Sequence[Any]) -> list[Any]:
    """A row with its timestamp in one form; everything else has one already."""
    values = list(row)
    values[_CREATED_AT] = instant(values[_CREATED_AT])
    return values


def of_after(after: Mapping[str, Any]) -> list[Any]:
    """The canonical row of an envelope's `after`. Raises KeyError for a missing column."""
    return canonical([after[name] for name in COLUMNS])


def instant(text: str) -> str:
    """A timestamp in UTC as PostgreSQL, Debezium or ours writes it, with all six digits.

    >>> instant("2026-11-24T09:30:00.25Z")
    '2026-11-24 09:30:00.250000'
    """
    fraction = text[19:].rstrip("Z").removesuffix("+00").removeprefix(".")
    return f"{text[:10]} {text[11:19]}.{fraction:0<6}"


def compare(expected: Checksum, found: Checksum) -> None:
    """Raises `WrongAnswerError` unless every partition has what it must have."""
    for partition in sorted(expected.counts.keys() | found.counts.keys()):
        rows, there = expected.counts.get(partition, 0), found.counts.get(partition, 0)
        if rows != there:
            raise WrongAnswerError(f"partition {partition} has {there} rows instead of {rows}")
        if expected.hashes[partition] != found.hashes[partition]:
            raise WrongAnswerError(f"partition {partition} has other values than the table")
