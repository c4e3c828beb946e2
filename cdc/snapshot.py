"""Snapshots in chunks while the log streams on: which rows of a chunk are still true.

After DBLog (Andreakis and Papapanagiotou, 2020): a chunk is read between two markers in the log; a
row whose key was changed between them is dropped, as the log brings something newer; what is left
is sent at the high marker. That rule rests on commits becoming visible where they stand in the
log. PostgreSQL makes them visible later, in an order of its own, so a commit before the low marker
may be missing in the chunk. Its chunks therefore say which transactions they contain, and the keys
of every transaction that they do not contain are dropped, wherever it stands.

A row that is dropped must come whole by the log. A change that carries part of the row only (an
unchanged TOAST value is not logged) does not: such rows are read again until they stand still.

`Touched` is the memory for that; `Run` is how far a snapshot has come, kept in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

from cdc.change import Row

KeyOf: TypeAlias = tuple[str, Row]
"""A table, as the stream names it, and the values of a key."""
Visible: TypeAlias = Callable[[str], bool]
"""Whether a transaction is contained in a chunk; None where the place in the log says so."""
INITIAL, ADDED = "initial", "added"
"""Runs that nobody has asked for: the first one of a stream, and of a table that joined it."""
MOST_AGAIN = 5_000
"""Rows of a table that are read again by their keys; where there are more, the whole table is."""
MOST_KEYS = 1_000_000
"""Keys that are remembered; with more, chunks wait until they contain what changed them."""


@dataclass(frozen=True, slots=True)
class Run:
    """One snapshot of one table, or a repair of single rows."""

    id: str
    """The marker that asked for it (`snapshot-12`), or `INITIAL`, or `ADDED`."""
    table: str
    after: tuple[Any, ...] | None = None
    """The last key that was sent; None before the first chunk."""
    rows: int = 0
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a chunk's rows, by index."""

    send: list[int]
    """Still true when the high marker is reached."""
    again: list[int]
    """Changed by records that carried part of the row only: to be read once more, as neither the
    chunk nor the log has the whole of it."""


class Touched:
    """The keys that streamed transactions changed while a snapshot runs.

    `unknown` are transactions that were streamed before this memory began.
    """

    def __init__(self, unknown: frozenset[str] = frozenset()) -> None:
        self.unknown = unknown
        self._keys: dict[str, dict[KeyOf, bool]] = {}
        """By transaction: whether any change carried the whole row, or removed it."""
        self._emptied: dict[str, set[str]] = {}
        self._before_low: frozenset[str] = frozenset()
        self._count = 0
        """At least as many as there are keys."""
        self._too_many: set[str] = set()
        """Transactions of which keys were dropped, as there were too many."""

    def touch(self, xid: str, table: str, key: Row, *, whole: bool) -> None:
        """A change of the transaction that is being streamed."""
        keys = self._keys.setdefault(xid, {})
        keys[table, key] = whole or keys.get((table, key), False)
        self._count += 1
        if self._count > MOST_KEYS:
            self._too_many |= self._keys.keys()
            self._keys, self._count = {}, 0

    def truncate(self, xid: str, table: str) -> None:
        """The whole table was emptied."""
        self._emptied.setdefault(xid, set()).add(table)

    def low(self) -> None:
        """A low marker was streamed."""
        self._before_low = frozenset(self._keys.keys() | self._emptied.keys() | self._too_many)

    def trustworthy(self, visible: Visible | None) -> bool:
        """Whether a chunk can be judged: it contains all transactions of unknown keys.

        If not, it has to be read again; it will soon contain them.
        """
        self._too_many = {xid for xid in self._too_many if not self._contained(xid, visible)}
        if visible is not None:
            self.unknown = frozenset(xid for xid in self.unknown if not visible(xid))
            return not self.unknown and not self._too_many
        return not self._too_many

    def judge(self, table: str, keys: Sequence[Row], visible: Visible | None) -> Verdict:
        """Which rows of a chunk are still true at its high marker."""
        outside = [xid for xid in self._keys.keys() | self._emptied.keys()
                   if not self._contained(xid, visible)]  # fmt: skip
        if any(table in self._emptied.get(xid, ()) for xid in outside):
            return Verdict([], [])
        newer: dict[KeyOf, bool] = {}
        for xid in outside:
            for key, whole in self._keys.get(xid, {}).items():
                newer[key] = whole or newer.get(key, False)
        if not newer:
            return Verdict(list(range(len(keys))), [])
        found = [newer.get((table, key)) for key in keys]
        return Verdict(
            send=[index for index, whole in enumerate(found) if whole is None],
            again=[index for index, whole in enumerate(found) if whole is False],
        )

    def forget(self, visible: Visible | None) -> None:
        """Drop what every later chunk is sure to contain."""
        for noted in (self._keys, self._emptied):
            for xid in [xid for xid in noted if visible is None or visible(xid)]:
                del noted[xid]
        self._count = sum(map(len, self._keys.values()))

    def _contained(self, xid: str, visible: Visible | None) -> bool:
        return xid in self._before_low if visible is None else visible(xid)
