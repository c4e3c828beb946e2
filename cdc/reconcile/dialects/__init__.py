"""The databases that can be compared, and sessions on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from cdc.reconcile.dialects.base import Dialect
from cdc.reconcile.forms import MYSQL, POSTGRES, SQLITE
from cdc.reconcile.plan import ReconcileError


class Session(Protocol):
    """One session of a database, used by one thread at a time. Raises `SourceError`."""

    def query(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """All rows of an answer."""

    def stream(self, statement: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """The rows of a long answer, one by one."""

    def cancel(self) -> None:
        """End the statement that runs; called by another thread."""

    def close(self) -> None:
        """End the session."""


def database_of(url: str) -> str:
    """`postgresql`, `mysql` or `sqlite`. Raises `ReconcileError` without the URL in it."""
    family = urlsplit(url).scheme.partition("+")[0]
    found = {"postgres": POSTGRES, "mariadb": MYSQL}.get(family, family)
    if found not in {POSTGRES, MYSQL, SQLITE}:
        raise ReconcileError(
            f"a database of the kind {family!r} cannot be compared: write postgresql://, mysql://"
            " or sqlite:///"
        )
    return found


def open_session(url: str, seconds: float) -> tuple[Dialect, Session]:
    """A session whose statements end after `seconds`, and its dialect.

    Raises `SourceError`, for the target as well.
    """
    match database_of(url):
        case "postgresql":
            from cdc.reconcile.dialects.postgres import PostgresDialect, PostgresSession

            postgres = PostgresSession(url, seconds)
            return PostgresDialect(utf8=postgres.utf8), postgres
        case "mysql":
            from cdc.reconcile.dialects.mysql import MysqlDialect, MysqlSession

            return MysqlDialect(), MysqlSession(url, seconds)
        case _:
            from cdc.reconcile.dialects.sqlite import SqliteDialect, SqliteSession

            return SqliteDialect(), SqliteSession(url, seconds)
