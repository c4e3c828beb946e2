"""Table versions, who serves them, and the port of the store that keeps them.

The store is the live truth: its newest version is what every replica serves. The port lives here,
beside the decisions that need it; `strangler.store` implements it on a database and
`strangler.testing` in memory. All its methods block: call them from a thread, never from a loop
that serves traffic. Times are Unix seconds of the store's own clock, so that hosts whose clocks
differ agree about leases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from strangler.config.model import Fence

DEFAULT_STORE = ".strangler/store.sqlite3"
"""Where the store is unless one is named, relative to the folder of routes.yaml."""


class Source(StrEnum):
    """What made a table version."""

    FILE = "file"
    """The gateway's own watch of routes.yaml, or the first load."""
    APPLY = "apply"
    CANARY = "canary"
    CUTOVER = "cutover"
    ROLLBACK = "rollback"
    UNDO = "undo"
    TRANSITION = "transition"
    """A step of a fenced cutover."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A table version that somebody wants to make live."""

    number: int
    text: str
    """The whole routes.yaml, environment references as written: secrets never reach the store."""
    author: str
    source: Source
    reason: str = ""
    summary: str = ""
    """What changes, in one line, for history and the audit log."""
    fences: tuple[Fence, ...] = ()
    owners: tuple[tuple[str, str], ...] = ()
    """(group, upstream) whose owner this version sets; each gets the next epoch."""
    attempt: str | None = None
    """Id of the transition that writes; needed while a fence is up."""


@dataclass(frozen=True, slots=True)
class TableVersion:
    """One immutable, numbered state of the whole route table."""

    number: int
    text: str
    author: str
    source: Source
    reason: str
    summary: str
    created_at: float
    fences: tuple[Fence, ...] = ()


@dataclass(frozen=True, slots=True)
class Replica:
    """One running gateway and the table versions its workers say they serve."""

    id: str
    host: str
    pid: int
    served: tuple[int, ...] = ()
    """One number per worker, 0 for a worker that serves nothing yet."""
    seen_at: float = 0.0
    lease_until: float = 0.0
    """Set by the store: its clock plus the lease asked for."""

    def serves(self, number: int) -> bool:
        """Whether every worker has reached that table version."""
        return bool(self.served) and min(self.served) >= number


@dataclass(frozen=True, slots=True)
class Owner:
    """The side that may write the tables of a group's streams."""

    group: str
    upstream: str
    epoch: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing somebody did or was refused."""

    at: float
    author: str
    action: str
    details: str


class StoreError(Exception):
    """The store cannot be opened, or it is of a newer release than this one."""


class ConflictError(Exception):
    """The live version is not the one the change was made from."""

    def __init__(self, expected: int, live: TableVersion | None) -> None:
        self.expected = expected
        self.live = live
        super().__init__(expected, live)

    def __str__(self) -> str:
        if self.live is None:
            return f"version {self.expected} is not live: the store holds no version yet"
        return (
            f"version {self.expected} is not live any more: {self.live.author} made version "
            f"{self.live.number} ({self.live.source}{reason_words(self.live)})"
        )


class TransitionOpenError(Exception):
    """A cutover holds a fence; until it ends only that attempt may write versions."""

    def __init__(self, fence: Fence) -> None:
        self.fence = fence
        super().__init__(fence)

    def __str__(self) -> str:
        return (
            f"a cutover of group {self.fence.group} is under way (attempt {self.fence.attempt}); "
            "until it ends no other change is taken: wait for it, or abort it"
        )


def reason_words(version: TableVersion) -> str:
    """`: because` when the author gave a reason, nothing otherwise."""
    return f": {version.reason}" if version.reason else ""


def check_commit(proposal: Proposal, expected: int, live: TableVersion | None) -> None:
    """The rules of a commit, for every store: compare-and-set, numbers grow, fences hold.

    Raises `ConflictError` or `TransitionOpenError`. Must run inside the transaction that writes.
    """
    if expected != (live.number if live else 0) or proposal.number <= expected:
        raise ConflictError(expected, live)
    for fence in live.fences if live else ():
        if fence.attempt != proposal.attempt:
            raise TransitionOpenError(fence)


class VersionStore(Protocol):
    """Keeps table versions, owners, replicas, settings and the audit log."""

    @property
    def shared(self) -> bool:
        """Whether gateways on other hosts may use it, so that no file may be watched."""
        ...

    def newest(self) -> TableVersion | None:
        """The live version, or None in an empty store."""
        ...

    def number(self) -> int:
        """The live version's number, 0 for none; cheap, as gateways ask several times a second."""
        ...

    def version(self, number: int) -> TableVersion | None:
        """That version, or None."""
        ...

    def history(self, limit: int = 50, before: int | None = None) -> Sequence[TableVersion]:
        """Versions below `before`, newest first."""
        ...

    def commit(self, proposal: Proposal, *, expected: int) -> TableVersion:
        """Make a version live if exactly `expected` (0: none) is live now.

        Raises `ConflictError` or `TransitionOpenError`; then nothing is written.
        """
        ...

    def register(self, replica: Replica, lease: float) -> int:
        """Note that a replica lives for `lease` seconds more; the newest version's number.

        In one transaction with commits: whoever commits a version and then reads the replicas
        either sees this one, or this one was told the new number.
        """
        ...

    def leave(self, replica_id: str) -> None:
        """Forget a replica that stops."""
        ...

    def replicas(self) -> Sequence[Replica]:
        """Those whose lease holds."""
        ...

    def owners(self) -> Mapping[str, Owner]:
        """Owner of each group with streams, by group."""
        ...

    def setting(self, name: str, proposed: str) -> str:
        """The value kept under `name`; `proposed` if none was, and then for ever (first wins)."""
        ...

    def record(self, author: str, action: str, details: str) -> None:
        """Add to the audit log. Commits are recorded by `commit` itself."""
        ...

    def audit(self, limit: int = 50) -> Sequence[AuditEntry]:
        """The audit log, newest first."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...
