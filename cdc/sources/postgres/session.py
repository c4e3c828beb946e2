"""Ordinary sessions on the source, with settings under which values are lossless text."""

from __future__ import annotations

import psycopg
from psycopg import sql

from cdc.relay.ports import SourceError
from cdc.sources.postgres.catalog import Connection
from cdc.sources.postgres.values import SETTINGS

_CONNECT_WITHIN = 10
_LIMITS = {"statement_timeout": "300s", "lock_timeout": "10s", "idle_session_timeout": "0"}


def connect(url: str) -> Connection:
    """A session in autocommit; raises a temporary `SourceError`."""
    try:
        connection = psycopg.connect(
            url, autocommit=True, connect_timeout=_CONNECT_WITHIN, application_name="strangler"
        )
    except psycopg.OperationalError as error:
        raise SourceError(f"PostgreSQL: {str(error).strip()}", temporary=True) from error
    limits = {
        name: value
        for name, value in _LIMITS.items()
        if name != "idle_session_timeout" or connection.info.server_version >= 140000
    }
    for name, value in (SETTINGS | limits).items():
        connection.execute(sql.SQL("SET {} TO {}").format(sql.Identifier(name), value))
    return connection
