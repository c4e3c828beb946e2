"""One side of a table that is compared: hashes of ranges, of rows, and the rows themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from cdc.reconcile.dialects import Session
from cdc.reconcile.dialects.base import (
    LOOK_UP_AT_ONCE,
    Dialect,
    KeyText,
    Segment,
    Selected,
    Statements,
)

Sums: TypeAlias = dict[int, tuple[int, int]]
"""Rows and sum of their hashes, by bucket."""
BucketRow: TypeAlias = tuple[int, int, KeyText]
"""Bucket, hash and key of a row."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A row as it was seen at one moment."""

    hashed: int | str
    version: str | None
    """Differs from one write to the next; None where the database tells no versions."""


class Side(Protocol):
    """What settling and reporting need of a side, however it is compared."""

    def look_up(self, keys: Sequence[KeyText]) -> dict[KeyText, Seen]:
        """Those of the rows that are there."""

    def values(self, keys: Sequence[KeyText]) -> Mapping[KeyText, tuple[str | None, ...]]:
        """Canonical texts in the order of the plan's pairs, of the rows that are there."""


class SqlSide:
    """A side that its database hashes."""

    def __init__(
        self, dialect: Dialect, session: Session, drill: Session, selected: Selected
    ) -> None:
        """`drill` is a session for long answers, which may stand open while others are asked."""
        self._session, self._drill = session, drill
        self._statements = Statements(dialect, selected)
        self._keys = len(selected.key)

    def boundary(self, segment: Segment, rows: int) -> KeyText | None:
        """The key that ends the next `rows` rows; None where fewer are left."""
        found = self._session.query(*self._statements.boundary(segment, rows))
        return _key(found[0]) if found else None

    def sums(self, segment: Segment, buckets: int) -> Sums:
        """One pass over the segment."""
        found = self._session.query(*self._statements.sums(segment, buckets))
        return {int(b): (int(count), int(total or 0)) for b, count, total in found if count}

    def rows(self, segment: Segment, buckets: int, wanted: Sequence[int]) -> Iterator[BucketRow]:
        """The rows of some buckets, in the order of the buckets."""
        statement = self._statements.rows(segment, buckets, wanted)
        for bucket, hashed, *key in self._drill.stream(*statement):
            yield int(bucket), int(hashed), _key(key)

    def look_up(self, keys: Sequence[KeyText]) -> dict[KeyText, Seen]:
        """See `Side`. Other rows may be found too: a collation may take keys for equal."""
        wanted, found = set(keys), {}
        for few in _few(keys):
            for hashed, version, *key in self._session.query(*self._statements.look_up(few)):
                if (text := _key(key)) in wanted:
                    found[text] = Seen(int(hashed), None if version is None else str(version))
        return found

    def values(self, keys: Sequence[KeyText]) -> Mapping[KeyText, tuple[str | None, ...]]:
        """See `Side`."""
        wanted, found = set(keys), {}
        for few in _few(keys):
            for row in self._session.query(*self._statements.values(few)):
                texts = _key(row)
                if texts[: self._keys] in wanted:
                    found[texts[: self._keys]] = texts
        return found


def _few(keys: Sequence[KeyText]) -> Iterator[Sequence[KeyText]]:
    for start in range(0, len(keys), LOOK_UP_AT_ONCE):
        yield keys[start : start + LOOK_UP_AT_ONCE]


def _key(values: Sequence[object]) -> KeyText:
    return tuple(_text(value) for value in values)


def _text(value: object) -> str | None:
    if value is None:
        return None
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
