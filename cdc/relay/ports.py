"""What the relay needs of the world.

The adapters are in `cdc.sources`, `cdc.kafka` and `cdc.store`. All of it is
blocking and used by one thread; every wait is bounded by its `timeout` (seconds).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from cdc.change import Event, Identity, Position, Relation, Row


class SourceError(Exception):
    """A source cannot go on.

    `temporary` says whether connecting again may help (a restart, a cut network); a lost slot, a
    purged log or another server are permanent, and the message says what was lost and what to do.
    """

    def __init__(self, message: str, *, temporary: bool) -> None:
        super().__init__(message)
        self.temporary = temporary


class SinkError(Exception):
    """Kafka did not take what it was given; `fenced` when another relay has taken over."""

    def __init__(self, message: str, *, temporary: bool, fenced: bool = False) -> None:
        super().__init__(message)
        self.temporary = temporary
        self.fenced = fenced


class TooLargeError(Exception):
    """A record is larger than Kafka takes: for the dead letters, not for another try."""


class Source(Protocol):
    """The log of one database, read for one stream."""

    connector: str
    """`postgresql`, `mysql` or `sqlite`: goes into the envelope."""
    database: str

    def identity(self) -> Identity:
        """The identity of the log. Connects; raises `SourceError`."""

    def start(self, resume: Position | None) -> Position:
        """Begin to read at a `resume` of an earlier commit; None to begin anew, from what is there.

        Returns where reading begins. Raises a permanent `SourceError` if the log no longer
        reaches back that far.
        """

    def read(self, timeout: float) -> Sequence[Event]:
        """The next events, bounded in number and bytes; empty when none came in `timeout`."""

    def confirm(self, resume: Position) -> None:
        """Let the source forget everything before `resume`. Cheap; may be sent later."""

    def retained(self) -> int:
        """Bytes of log that the source keeps for this stream; on a connection of its own."""

    def check(self) -> None:
        """Look whether every table still comes by the log; on a connection of its own.

        Raises a permanent `SourceError` where one does not. Asked again and again, as no log tells
        what it leaves out.
        """

    def release(self) -> None:
        """Give the log up: drop whatever makes the source keep it, such as a slot.

        What was not read is lost to this stream, which needs a snapshot afterwards.
        """

    def text(self, position: Position) -> str:
        """A position as the source's own people write it: `0/16B3748`."""

    def close(self) -> None:
        """Stop reading; no other method may be called afterwards. May be called twice."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of one table in the order of their key."""

    relation: Relation
    rows: Sequence[Row]
    visible: Callable[[str], bool] | None
    """Whether a transaction (`Begin.xid`) is contained in the rows; None where a commit's place in
    the log says so (`docs/adr`: PostgreSQL makes commits visible after logging them)."""
    cut: bool = False
    """Whether it ended before its limit because its rows are many bytes; there may be more."""


class SourceControl(Protocol):
    """Ordinary sessions on the source's database, apart from its log."""

    def mark(self, stream: str, kind: str, body: str, after: int = 0) -> int:
        """Write a marker in a transaction of its own; its `seq`. `body` is JSON.

        Its number is greater than that of every marker of the stream, and than `after`.
        """

    def newest_marker(self, stream: str) -> int:
        """The greatest `seq` of the stream's markers; 0 where it has none.

        Not less than that of any marker that has come by the log, even where a commit stands in the
        log before others may see it: it waits for whoever is writing one.
        """

    def relation(self, table: str, key: Sequence[str] = ()) -> Relation:
        """The table as it is now; `key` names its key instead of the primary key.

        Raises a permanent `SourceError` for a table that is missing or has no key.
        """

    def chunk(
        self, relation: Relation, after: Row | None, limit: int, where: str | None = None,
        most: int | None = None,
    ) -> Chunk:  # fmt: skip
        """Up to `limit` rows whose key is greater than `after` (key values, in key order).

        With `most`, no more than about so many bytes of them, but one row at least. They are not
        in memory before that is known.
        """

    def rows(self, relation: Relation, keys: Sequence[Row]) -> Chunk:
        """The rows with these keys; those that do not exist are left out."""

    def unlogged(self, relation: Relation) -> frozenset[str]:
        """Open transactions that may have changed the table before the log was told to have it.

        What they wrote then comes neither by the log nor, until they have ended, by a chunk. To be
        asked again until those named first are gone. Empty where the log has every table.
        """

    def estimate(self, relation: Relation) -> int:
        """About how many rows the table has; from statistics where counting is dear."""

    def close(self) -> None:
        """End the sessions."""


Headers: TypeAlias = list[tuple[str, bytes]]
"""A list, as Kafka's client takes no other sequence."""


class Sink(Protocol):
    """Where envelopes go. Nothing counts as delivered before `settle` has returned."""

    settle_after: float
    """Seconds after the first unsettled record when `settle` is due under load."""

    def open(self, timeout: float) -> None:
        """Connect and, where it can, fence every earlier producer of this stream."""

    def produce(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers,
        partition: int = -1,
    ) -> None:  # fmt: skip
        """Hand one record over; -1 leaves the partition to the key (murmur2).

        Blocks while the queue is full (back-pressure), bounded. Raises `TooLargeError` and
        `SinkError`.
        """

    def poll(self) -> None:
        """Serve what is due in the background; cheap. Raises `SinkError` for a lost record."""

    def settle(self, checkpoint: bytes | None, timeout: float) -> None:
        """Return when Kafka has everything, with `checkpoint` in the same transaction if it can."""

    def close(self) -> None:
        """Give up what is unsettled; bounded."""


class Checkpoints(Protocol):
    """Where one stream's relay keeps how far it has come."""

    def load(self) -> bytes | None:
        """What was saved last; None at the very first start."""

    def save(self, checkpoint: bytes) -> None:
        """Keep it durably. Raises `CheckpointError` where a newer relay has saved since."""
