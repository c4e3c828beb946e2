"""Tells what differs from what is on its way.

A key that differed is looked at again: its row at the source, then a barrier, its row at the
target, and the source's row once more. What the source had before the barrier has been applied
when the target is read, so if the source's row did not change meanwhile, both must be equal. Only
what differs at such a stable point, several times with the same two rows, counts.

Several times, as a row may change and change back between two looks. Where the database tells a
row's version that cannot happen unseen, and two looks are enough: one more than one, because
PostgreSQL shows a commit to others a moment after it has sent it to the relay. Pure but for what
is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cdc.reconcile.dialects.base import KeyText
from cdc.reconcile.sides import Seen, Side

ROUNDS = 10
"""Looks at a key before it is given up as one that never stands still."""
WITH_VERSIONS = 2
WITHOUT_VERSIONS = 3

Rows: TypeAlias = tuple[Seen | None, Seen | None]
"""A key's rows: the source's and the target's."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the keys that seemed to differ."""

    different: dict[KeyText, Rows]
    unsettled: tuple[KeyText, ...]
    """Rows that were written between every two looks."""
    clean_at: int
    """The last barrier that was waited for."""


def settle(
    keys: Sequence[KeyText], source: Side, target: Side, barrier: Callable[[], int],
    rounds: int = ROUNDS,
) -> Settled:  # fmt: skip
    """Look at the keys again until each is known to be equal or different.

    Raises what `barrier` raises.
    """
    different: dict[KeyText, Rows] = {}
    looks: dict[KeyText, tuple[Rows, int]] = {}
    pending, passed = list(dict.fromkeys(keys)), 0
    for _ in range(rounds):
        if not pending:
            break
        before = source.look_up(pending)
        passed = barrier()
        theirs, ours = target.look_up(pending), source.look_up(pending)
        again = []
        for key in pending:
            first, there, last = before.get(key), theirs.get(key), ours.get(key)
            if _hash(there) in {_hash(first), _hash(last)}:
                continue
            rows = (last, there)
            looks[key] = (rows, _looks(looks.get(key), rows) if first == last else 0)
            if looks[key][1] >= _needed(last):
                different[key] = rows
            else:
                again.append(key)
        pending = again
    return Settled(different, tuple(pending), passed)


def _looks(known: tuple[Rows, int] | None, rows: Rows) -> int:
    """How often in a row a stable point showed these two rows."""
    return known[1] + 1 if known is not None and known[0] == rows else 1


def _needed(source: Seen | None) -> int:
    return WITH_VERSIONS if source is not None and source.version else WITHOUT_VERSIONS


def _hash(row: Seen | None) -> int | str | None:
    return None if row is None else row.hashed
