"""What the applier needs of the world, and the words it is told in.

All of it is blocking and used by one thread; every wait is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, TypeAlias

from sqlalchemy import Connection, Engine

Row: TypeAlias = Mapping[str, Any]
"""Values in the JSON forms of docs/formats.md, by target column."""
TopicPartition: TypeAlias = tuple[str, int]


class Stopped(Exception):  # noqa: N818 - a state that someone reads, more than an error
    """The applier cannot go on by itself; the message says what is wrong and what to do."""


class ReaderError(Exception):
    """Nothing can be read from there.

    `temporary` says whether trying again may help; `gone` that the log does not have the offset.
    """

    def __init__(self, message: str, *, temporary: bool, gone: bool = False) -> None:
        super().__init__(message)
        self.temporary = temporary
        self.gone = gone


@dataclass(frozen=True, slots=True)
class Record:
    """One record as Kafka delivered it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Reader(Protocol):
    """Topics, read from positions that are ours. `cdc.kafka.reader` adapts Kafka to it.

    All of it raises `ReaderError`; after one of them the partitions are assigned again.
    """

    def assign(self, positions: Mapping[TopicPartition, int | None]) -> None:
        """Read these partitions and no others from these offsets; None for the log's start."""

    def poll(self, max_records: int, timeout: float) -> Sequence[Record]:
        """The next records, in the order of each partition; empty when none came in `timeout`."""

    def watermarks(self, partition: TopicPartition) -> tuple[int, int]:
        """Offsets of the oldest record that is still there, and of the next one to be written."""

    def topic_ids(self, topics: Sequence[str]) -> Mapping[str, str]:
        """What Kafka calls each topic of itself: another one, if it was deleted and made anew.

        Topics that are not there are left out.
        """

    def close(self) -> None:
        """Stop reading."""


class RowMapping(Protocol):
    """What becomes of one table's rows in the target: `cdc.mapping` compiles it."""

    def target_row(
        self, row: dict[str, Any], key: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """A row, or part of one, by target column. Raises `ValueError` for what has no place."""

    def target_key(self, key: dict[str, Any]) -> dict[str, Any]:
        """A key by target column."""


class AsIs:
    """The mapping of a table whose columns have the same names on both sides."""

    def target_row(
        self,
        row: dict[str, Any],
        key: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """The row itself."""
        return row

    def target_key(self, key: dict[str, Any]) -> dict[str, Any]:
        """The key itself."""
        return key


class Form(Enum):
    """How a column of the target wants a value's JSON form written."""

    TEXT = "text"
    """As text that the database casts."""
    NUMBER = "number"
    """As a number; a boolean is 0 or 1."""
    REAL = "real"
    """As a number, which may be infinite."""
    BITS = "bits"
    """As a number; its binary digits come as a text."""
    BYTES = "bytes"
    """As bytes; they come as base64."""
    MOMENT = "moment"
    """A date, time or both, where an offset of UTC may have to go."""


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """One column of a table in the target."""

    name: str
    type: str
    """For people, and for a cast where the database needs one; without length or precision."""
    form: Form
    nullable: bool
    has_default: bool = False
    generated: bool = False
    """Computed by the database: never written."""
    fixed: bool = False
    """May be inserted but not updated (PostgreSQL's GENERATED ALWAYS AS IDENTITY)."""


@dataclass(frozen=True, slots=True)
class TargetTable:
    """A table as it is in the target now."""

    name: str
    """As the stream names it."""
    identity: str
    """As the database names it; what `parents` of other tables refer to."""
    columns: Mapping[str, TargetColumn]
    primary: tuple[str, ...]
    """The primary key's columns; empty where there is none."""
    unique: frozenset[frozenset[str]]
    """Columns of each unique index that holds for all rows, the primary key among them."""
    parents: frozenset[str] = field(default=frozenset())
    """Identities of the tables its foreign keys refer to."""


class Verdict(Enum):
    """What a database's error means for the record that met it."""

    TEMPORARY = "temporary"
    """Connecting again may help: a lost connection, a deadlock, a restart."""
    CONFLICT = "conflict"
    """Rows of other partitions may mend it: foreign keys, unique keys."""
    UNFIT = "unfit"
    """The target can never hold this value in this column."""
    SHAPE = "shape"
    """The table is another one than was described: describe it anew."""
    REFUSED = "refused"
    """Nobody may write here (a guard, a missing right): every record would meet it."""


class MissingRowError(Exception):
    """A part of a row came for a row that is not in the target."""


class Target(Protocol):
    """One database that rows are written to. All writes happen in the caller's transaction."""

    engine: Engine

    def prepare(self, connection: Connection) -> None:
        """Set a new session up: encodings, time zone, replication origin where it is granted."""

    def begin(self, connection: Connection) -> None:
        """What each transaction begins with: it may write where a guard stops others."""

    def describe(self, connection: Connection, table: str) -> TargetTable:
        """The table as it is now. Raises `Stopped` where there is none."""

    def delete(
        self, connection: Connection, table: TargetTable, key: Sequence[str], rows: Sequence[Row]
    ) -> None:
        """Delete the rows with these keys; those that are not there are no error."""

    def upsert(
        self, connection: Connection, table: TargetTable, key: Sequence[str],
        columns: Sequence[str], rows: Sequence[Row],
    ) -> None:  # fmt: skip
        """Insert whole rows, or set these columns of those that are there. No key comes twice."""

    def update(
        self, connection: Connection, table: TargetTable, key: Sequence[str],
        columns: Sequence[str], rows: Sequence[Row],
    ) -> None:  # fmt: skip
        """Set these columns of rows that are there; raises `MissingRowError` if one is not."""

    def clear(self, connection: Connection, table: TargetTable) -> None:
        """Delete all rows."""

    def settle(self, connection: Connection) -> None:
        """Check now what would else be checked at the commit (deferred constraints)."""

    def judge(self, error: Exception) -> Verdict:
        """What an error of the database means."""

    def explain(
        self, connection: Connection, table: TargetTable, row: Row, error: Exception
    ) -> str:
        """Which column cannot hold its value, in a sentence without the value itself."""
