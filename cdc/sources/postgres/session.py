"""Ordinary sessions on the source, with settings under which values are lossless text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cdc.relay.ports import SourceError
from cdc.sources.postgres.catalog import Connection
from cdc.sources.postgres.values import SETTINGS

_DEFAULTS: Final[dict[str, str | int | None]] = {
    "connect_timeout": "10",
    "application_name": "strangler",
    # A host that vanished sends no farewell: 30 s of silence end the session.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
}
"""libpq's parameters; the stream's URL may say otherwise."""
_LIMITS: Final = {
    "statement_timeout": "300s",
    "lock_timeout": "10s",
    "idle_session_timeout": "0",
    # A policy that would hide rows from this role is an error then, not an incomplete copy.
    "row_security": "off",
}
_SET: Final = """
SELECT set_config(wanted.name, wanted.value, false)
FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)
JOIN pg_settings AS known ON lower(known.name) = wanted.name
"""
"""In one round trip, without the settings that this version does not know."""


def address(url: str, **more: str) -> str:
    """A URL in libpq's words, with our defaults. Raises a permanent `SourceError` for no URL."""
    try:
        return make_conninfo("", **_DEFAULTS | conninfo_to_dict(url) | more)
    except psycopg.ProgrammingError:
        # libpq's message quotes what it cannot read, and with it the password.
        raise SourceError("PostgreSQL's URL in `source:` is none", temporary=False) from None


def connect(url: str) -> Connection:
    """A session in autocommit; raises `SourceError`, temporary unless the URL is none."""
    given = address(url)
    with failures("connecting to the source"):
        connection = psycopg.connect(given, autocommit=True, prepare_threshold=None)
        settings = SETTINGS | _LIMITS
        try:
            connection.execute(_SET, (list(settings), list(settings.values())))
        except psycopg.Error:
            connection.close()
            raise
    return connection


@contextmanager
def failures(doing: str) -> Iterator[None]:
    """Turns psycopg's errors into `SourceError`: what heals by a new session is temporary."""
    try:
        yield
    except psycopg.Error as error:
        for_good = isinstance(error, (psycopg.ProgrammingError, psycopg.DataError))
        message = f"PostgreSQL, {doing}: {str(error).strip()}"
        raise SourceError(message, temporary=not for_good) from error
