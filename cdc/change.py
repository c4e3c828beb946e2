"""What a source reports: transactions, their changes, and positions in its log.

A *position* is an integer that grows along one source's log; what it counts is the source's
business (an LSN, a binlog's file and offset, a number of SQLite's change table). Two positions are
used for a transaction: `Begin.position` names it and orders it among all others, `Commit.resume`
is where reading goes on after it. They differ, and neither may stand for the other: on PostgreSQL
the end of one commit may equal the first position of the next transaction's changes.

The classes are plain and slotted because one of each is made for every row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

Position: TypeAlias = int
"""A place in a source's log: 0 to 2**63 - 1."""


class Absent:
    """The value of a column that the log did not carry: an unchanged TOAST value, say."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()

Value: TypeAlias = bool | int | float | str | Absent | None
"""A column's value in the form that docs/formats.md lays down for its kind."""
Row: TypeAlias = tuple[Value, ...]
"""Values in the order of the relation's columns."""


class Op(StrEnum):
    """What happened to a row; the letters are Debezium's."""

    CREATE = "c"
    UPDATE = "u"
    DELETE = "d"
    READ = "r"
    """A row of a snapshot."""
    TRUNCATE = "t"
    MARKER = "m"


class Kind(StrEnum):
    """What a column holds, whatever its database calls it; says how its value is written."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    TEXT = "text"
    BINARY = "binary"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    INTERVAL = "interval"
    JSON = "json"
    UUID = "uuid"
    OTHER = "other"
    """Arrays, ranges, enums, bit strings, addresses …: the source's own text."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column as it was when the change was written."""

    name: str
    kind: Kind
    type: str
    """The source's name of the type, for people and for creating a target: `numeric(10,2)`."""
    key: bool = False
    """Whether it is part of the key: the primary key, or what the stream's `key:` names."""


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """One table in one shape. A change of the table's shape makes a new relation.

    Compared by identity, so that what was prepared for a relation can be looked up by it.
    """

    table: str
    """As the stream names it: `reviews_review`, or `schema.table`."""
    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[int, ...] = field(init=False)
    """Indexes of the key's columns; empty for a table without a key."""

    def __post_init__(self) -> None:
        key = tuple(index for index, column in enumerate(self.columns) if column.key)
        object.__setattr__(self, "key", key)


@dataclass(slots=True)
class Begin:
    """A committed transaction begins."""

    position: Position
    """Names the transaction and orders it: grows from one transaction to the next."""
    xid: str
    """The source's own name for the transaction."""
    at_ms: int
    """When it was committed, in milliseconds since 1970, by the source's clock."""
    origin: str | None = None
    """Who wrote it, where it was replicated: the name of an applier's replication origin."""


@dataclass(slots=True)
class Change:
    """One row-level change of the transaction that is open."""

    relation: Relation
    op: Op
    """CREATE, UPDATE, DELETE or TRUNCATE (with neither row)."""
    before: Row | None
    """The old row, with ABSENT where the log does not carry a column; None where it has none."""
    after: Row | None
    """The new row; ABSENT for a column whose value was not sent because it did not change."""


@dataclass(slots=True)
class Commit:
    """The transaction that was open is complete."""

    resume: Position
    """Where reading goes on after it: greater than that of every earlier commit."""
    gtid: str | None = None
    """The source's global name of the transaction, where it has one."""


@dataclass(slots=True)
class Reached:
    """Nothing before this position is still to come: from a keepalive, between transactions."""

    resume: Position


Event: TypeAlias = Begin | Change | Commit | Reached


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a log the same log: pinned with the checkpoint, compared at each start."""

    facts: tuple[tuple[str, str], ...]
    """Name and value, sorted: such as ("database", "shop"), ("slot", …), ("system", …)."""

    @classmethod
    def of(cls, **facts: str) -> Identity:
        """An identity from its facts."""
        return cls(tuple(sorted(facts.items())))

    def differences(self, other: Identity) -> list[str]:
        """What differs from `other`, a sentence part each: "slot was 1, is 2"."""
        mine, theirs = dict(self.facts), dict(other.facts)
        return [
            f"{name} was {theirs.get(name, 'unknown')}, is {mine.get(name, 'unknown')}"
            for name in sorted(mine.keys() | theirs.keys())
            if mine.get(name) != theirs.get(name)
        ]


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker as it was seen in the log: the row of `strangler` marker table."""

    stream: str
    kind: str
    """One of `MarkerKind`'s values; others are ignored, so that versions can differ."""
    seq: int
    """Grows with every marker of the stream, in commit order."""
    body: dict[str, Any]


class MarkerKind(StrEnum):
    """What a marker is for."""

    HEARTBEAT = "heartbeat"
    """Written by the relay on its own; copied to every partition so that idle ones advance."""
    BARRIER = "barrier"
    """Written by whoever waits until everything before it has been applied (verify, a fence)."""
    LOW = "low"
    """Before a snapshot chunk is read: body {"run": …}. Never leaves the relay."""
    HIGH = "high"
    """After it was read. Never leaves the relay."""
    SNAPSHOT = "snapshot"
    """Asks the relay for a snapshot: body {"tables": […], "where": …}."""
    REPAIR = "repair"
    """Asks the relay to send single rows again: body {"table": …, "keys": [[…], …]}."""
    PROBE = "probe"
    """A row that must come out at the target's end (`strangler cdc probe`)."""
    COMPLETE = "complete"
    """Written by the relay when a snapshot of a table is complete: body {"table": …}."""
