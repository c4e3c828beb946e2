"""One chunk of a run: which rows are asked for, and what is left of the run then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Final

from cdc.bounded import size_of
from cdc.change import Relation, Row
from cdc.config.model import Limits
from cdc.relay.ports import Chunk, SourceControl
from cdc.snapshot import Run

AHEAD: Final = 2
"""Chunks that may be read before the log has reached their markers; bounds the memory."""
_PARTS: Final = AHEAD + 2
"""Of `limits.memory`: those chunks, the one that is being sent, and as much to spare."""
_FIRST_KEYS: Final = 16
"""Rows that are asked for by their keys at first: they come all at once, however wide they are."""
_GROWTH: Final = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """One chunk that was read, waiting for its high marker."""

    run: Run
    """As it was when its reading began."""
    chunk: Chunk
    last: bool
    """Whether the run holds nothing after it."""
    then: Run
    """As it is once the chunk has been sent."""
    gone: tuple[Row, ...] = ()
    """Keys of a repair that no row has."""


class Share:
    """How much the next chunk of a run may be.

    `rows` is what the chunks before make likely, so that seldom more is asked for than is taken:
    the database works for the rest of it, too.
    """

    def __init__(self, limits: Limits, *, few: bool) -> None:
        """`few`: rows are asked for by their keys, and nothing is known of their width yet."""
        self._most_rows = limits.chunk
        self.bytes = limits.memory // _PARTS
        self.rows = min(limits.chunk, _FIRST_KEYS) if few else limits.chunk

    def took(self, rows: int, *, full: bool) -> None:
        """So many rows came; `full` if they were as many bytes as they may be."""
        self.rows = max(1, rows) if full else min(self._most_rows, self.rows * _GROWTH)


def read(control: SourceControl, relation: Relation, run: Run, share: Share) -> Reading:
    """The next chunk."""
    if run.keys is not None:
        return _named(control, relation, run, run.keys, share)
    asked = share.rows
    chunk = control.chunk(relation, run.after, asked, run.where, share.bytes)
    share.took(len(chunk.rows), full=chunk.cut)
    last = not chunk.cut and len(chunk.rows) < asked
    after = key_of(relation, chunk.rows[-1]) if chunk.rows else None
    return Reading(run, chunk, last, run.advanced(after, len(chunk.rows), last=last))


def _named(
    control: SourceControl, relation: Relation, run: Run, keys: tuple[Row, ...], share: Share
) -> Reading:
    """Rows by their keys, some at a time."""
    now, later = keys[: share.rows], keys[share.rows :]
    chunk = control.rows(relation, now)
    size = size_of(chunk.rows)
    fits = len(now) if size <= share.bytes else len(now) // 2
    share.took(fits, full=size * _GROWTH > share.bytes)
    then = run.advanced(None, len(chunk.rows), last=not later)
    return Reading(
        run, chunk, not later, replace(then, keys=later or keys),
        gone=_gone(control, relation, now, chunk),
    )  # fmt: skip


def keys_of(relation: Relation, rows: Sequence[Row]) -> list[Row]:
    """The values of every row's key. A chunk has thousands of rows, so nothing is asked twice."""
    if len(relation.key) == 1:
        index = relation.key[0]
        return [(row[index],) for row in rows]
    return list(map(itemgetter(*relation.key), rows))


def key_of(relation: Relation, row: Row) -> Row:
    """The values of a row's key."""
    return tuple(row[index] for index in relation.key)


def _gone(
    control: SourceControl, relation: Relation, keys: tuple[Row, ...], chunk: Chunk
) -> tuple[Row, ...]:
    """The keys that no row has, asked one by one.

    A key that was asked for in another spelling than the row's (`1.0`, a UUID in capitals) is not
    among the rows as it stands, and yet names one: a deletion would remove it from the copy.
    """
    found = set(keys_of(relation, chunk.rows))
    return tuple(
        key for key in dict.fromkeys(keys)
        if key not in found and not control.rows(relation, [key]).rows
    )  # fmt: skip
