"""Snapshots in chunks while the log streams on: which rows of a chunk are still true.

After DBLog (Andreakis and Papapanagiotou, 2020): a chunk is read between two markers in the log; a
row whose key was changed between them is dropped, as the log brings something newer; what is left
is sent at the high marker. That rule rests on commits becoming visible where they stand in the
log. PostgreSQL makes them visible later, in an order of its own, so a commit before the low marker
may be missing in the chunk. Its chunks therefore say which transactions they contain, and the keys
of every transaction that they do not contain are dropped, wherever it stands.

`Touched` is the memory for that; `Run` is how far a snapshot has come, kept in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from cdc.change import Row

KeyOf = tuple[str, Row]
"""A table, as the stream names it, and the values of a key."""


@dataclass(frozen=True, slots=True)
class Run:
    """One snapshot of one table, or a repair of single rows."""

    id: str
    """The marker that asked for it (`snapshot-12`), or `initial`."""
    table: str
    after: tuple[Any, ...] | None = None
    """The last key that was sent; None before the first chunk."""
    rows: int = 0
    estimate: int = 0
    where: str | None = None
    """A condition in the source's SQL."""
    keys: tuple[tuple[Any, ...], ...] | None = None
    """The rows to send again; None for a snapshot."""
    done: bool = False

    def advanced(self, after: Row | None, rows: int, *, last: bool) -> Run:
        """The run after another chunk."""
        return replace(self, after=after or self.after, rows=self.rows + rows, done=last)

    def to_json(self) -> dict[str, Any]:
        """As it is kept in a checkpoint."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Run:
        """As it was kept."""
        after, keys = given["after"], given["keys"]
        return cls(
            **given
            | {
                "after": None if after is None else tuple(after),
                "keys": None if keys is None else tuple(tuple(key) for key in keys),
            }
        )


@dataclass(slots=True)
class Touched:
    """The keys that streamed transactions changed while a snapshot runs."""

    unknown: frozenset[str] = frozenset()
    """Transactions that were streamed before this memory began, whose keys nobody noted."""
    _keys: dict[str, set[KeyOf]] = field(default_factory=dict)
    _truncated: dict[str, set[str]] = field(default_factory=dict)

    def touch(self, xid: str, table: str, key: Row) -> None:
        """A change of the transaction that is being streamed."""
        self._keys.setdefault(xid, set()).add((table, key))

    def truncate(self, xid: str, table: str) -> None:
        """The whole table was emptied."""
        self._truncated.setdefault(xid, set()).add(table)

    def low(self, *, by_place: bool) -> None:
        """A low marker: where the place in the log decides, what came before is in the chunk."""
        if by_place:
            self._keys.clear()
            self._truncated.clear()

    def trustworthy(self, visible: Callable[[str], bool] | None) -> bool:
        """Whether a chunk can be judged: it contains all transactions of unknown keys.

        If not, it has to be read again; it will soon contain them.
        """
        if visible is None:
            return True
        self.unknown = frozenset(xid for xid in self.unknown if not visible(xid))
        return not self.unknown

    def surviving(
        self, table: str, keys: Iterable[Row], visible: Callable[[str], bool] | None
    ) -> list[int]:
        """Indexes of the keys whose rows are still true."""
        outside = [xid for xid in self._keys if visible is None or not visible(xid)]
        emptied = any(
            table in tables and (visible is None or not visible(xid))
            for xid, tables in self._truncated.items()
        )
        if emptied:
            return []
        newer: set[KeyOf] = set().union(*(self._keys[xid] for xid in outside))
        return [index for index, key in enumerate(keys) if (table, key) not in newer]

    def forget(self, visible: Callable[[str], bool] | None) -> None:
        """Drop what every later chunk is sure to contain."""
        if visible is None:
            return
        for noted in (self._keys, self._truncated):
            for xid in [xid for xid in noted if visible(xid)]:
                del noted[xid]
