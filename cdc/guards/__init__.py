"""Guards: triggers that refuse writes on the side that does not own a stream's tables.

A guard is *installed* open, *closed* when another side becomes the owner, and *opened* again when
this one does. The applier passes: it says who it is in its session (`cdc.applier.targets`).
Closing waits for the writers that are inside, whoever they are: a request that timed out long ago,
a cron job, an admin page. After it has returned, what they wrote is in the log, and nothing more
comes.

`Guard.close` and `Guard.open` work in the caller's transaction, so that a fence can close the guard
and write its marker in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from sqlalchemy import Connection, Engine


class State(Enum):
    """What a guard does now."""

    MISSING = "missing"
    """Not installed, or not on every table."""
    OPEN = "open"
    """Everybody may write."""
    CLOSED = "closed"
    """Nobody but the applier may."""


class GuardError(Exception):
    """A guard could not be changed; the message says why. Nothing was changed.

    `unreachable` says whether its database cannot be reached.
    """

    def __init__(self, message: str, *, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


class Guard(Protocol):
    """The guard of one stream's tables in one database."""

    def install(self, connection: Connection) -> None:
        """Put it on every table, open. A guard that is there keeps its state."""

    def remove(self, connection: Connection) -> None:
        """Take it off every table."""

    def close(self, connection: Connection) -> None:
        """Refuse writers; waits, bounded, for those inside. Raises `GuardError`."""

    def open(self, connection: Connection) -> None:
        """Let everybody write. Raises `GuardError`."""

    def state(self, connection: Connection) -> State:
        """What it does now."""


def guard_of(engine: Engine, stream: str, tables: Sequence[str]) -> Guard:
    """The guard of a stream's tables, as they are called in that database."""
    match engine.dialect.name:
        case "postgresql":
            from cdc.guards.postgres import PostgresGuard

            return PostgresGuard(stream, tables)
        case "mysql" | "mariadb":
            from cdc.guards.mysql import MysqlGuard

            return MysqlGuard(stream, tables)
        case _:
            from cdc.guards.sqlite import SqliteGuard

            return SqliteGuard(stream, tables)
