"""Held records, tried again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from cdc.applier.held import WAITING, Held, HeldKey, Stored, held_key
from cdc.applier.places import TopicTable
from cdc.applier.ports import TopicPartition
from cdc.applier.writer import Writer

RETRIED: Final = 1_000
"""Records of one partition that are read back at once."""
PATIENCE: Final = 50
"""Failures after which an attempt is given up, while there is still hope for a later one."""


class Mending:
    """One attempt at what is held, in the transaction that is open."""

    def __init__(
        self, connection: Connection, stream: str, writer: Writer,
        topics: Mapping[str, TopicTable], held: Mapping[TopicPartition, Mapping[str, str]],
    ) -> None:  # fmt: skip
        """`held` is what is known to be held: keys with their state, by partition."""
        self._connection, self._writer = connection, writer
        self._topics, self._known = topics, held
        self._held = Held(stream)
        self.mended = 0
        """Records that have been applied."""

    def mend(self, keys: set[HeldKey]) -> None:
        """Try these keys; then park those that have waited in vain.

        The horizon is read first: whatever it covers has been committed, and the attempt sees it.
        """
        horizon = self._held.horizon(self._connection)
        left = self._held.load(self._connection, keys, self._topics, RETRIED)
        patience = PATIENCE if all(one.after_seq >= horizon for one in left) else None
        while left:
            rest = self._pass(left, patience)
            if len(rest) == len(left):
                break
            left = rest
        waits = [one for one in left if self._known[one.key[0]].get(one.key[1]) == WAITING]
        self._held.park(self._connection, waits, horizon)

    def _pass(self, left: Sequence[Stored], patience: int | None) -> list[Stored]:
        """Try each key as what it comes to; then what fails one by one, in the source's order.

        The latter brings two rows past each other that exchange a unique value: the state between,
        in which neither has it, was collapsed away.
        """
        works = self._writer.works([one.item for one in left])
        stuck = {held_key(f.work.items[0]) for f in self._writer.carefully(works, patience)}
        applied = {one.row_id for one in left if one.key not in stuck}
        applied |= self._one_by_one([one for one in left if one.key in stuck], patience)
        self._held.remove(self._connection, applied)
        self.mended += len(applied)
        return [one for one in left if one.row_id not in applied]

    def _one_by_one(self, stuck: Sequence[Stored], patience: int | None) -> set[int]:
        """Apply what can be of keys with several records (a single one has just failed)."""
        lengths = Counter(one.key for one in stuck)
        blocked = {key for key, length in lengths.items() if length == 1}
        applied: set[int] = set()
        tried = len(blocked)
        for one in stuck:
            if patience is not None and len(blocked) - tried >= patience:
                break
            if one.key not in blocked:
                if self._writer.carefully(self._writer.works([one.item])):
                    blocked.add(one.key)
                else:
                    applied.add(one.row_id)
        return applied
