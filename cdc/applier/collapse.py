"""Many changes of one key become one: what is written is the state after the last of them. Pure.

A batch then touches each row once, in any order of rows. The result must be what applying the
changes one by one gives, also for columns of the target that the stream does not carry: therefore
a row that was deleted and made again is deleted first (`fresh`), so that these columns begin anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cdc.applier.records import Item
from cdc.change import Op


@dataclass(slots=True)
class Put:
    """The row has these columns."""

    key: Mapping[str, Any]
    row: Mapping[str, Any]
    whole: bool
    """Whether `row` is everything; else the row must be there already."""
    fresh: bool = False
    """Whether it was deleted before: delete, then insert."""


@dataclass(slots=True)
class Drop:
    """The row is gone."""

    key: Mapping[str, Any]


@dataclass(slots=True)
class Broken:
    """The state cannot be known."""

    reason: str
    fresh: bool = False
    """As in `Put`, for the row that may follow and mend it."""


Outcome: TypeAlias = Put | Drop | Broken


def collapse(items: Iterable[Item]) -> Outcome:
    """The outcome of one key's changes, at least one, in their order."""
    outcome: Outcome | None = None
    for item in items:
        outcome = follow(outcome, item)
    assert outcome is not None
    return outcome


def follow(before: Outcome | None, item: Item) -> Outcome:
    """What becomes of a key when one more change follows."""
    fresh = isinstance(before, Drop) or (before is not None and before.fresh)
    if item.reason is not None:
        return Broken(item.reason, fresh)
    if item.op is Op.DELETE or item.row is None:
        return Drop(item.key)
    known = before if isinstance(before, Put) else None
    row = item.row if known is None else {**known.row, **item.row}
    if not item.partial:
        return Put(item.key, row, whole=True, fresh=fresh)
    if before is None or known is not None:
        return Put(item.key, row, whole=known is not None and known.whole, fresh=fresh)
    if isinstance(before, Broken):
        return before
    return Broken("a change of part of a row, and the row had been deleted before", fresh)
