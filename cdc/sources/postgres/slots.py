"""Replication slots: what makes the server keep its log for a stream.

PostgreSQL gives a slot no identifier of its own, so a slot that was dropped and made anew under its
name is known by its place: a new slot's confirmed position is the log's end when it was made, which
lies behind every position that was read from the old one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import psycopg

from cdc.relay.ports import SourceError
from cdc.sources.postgres.catalog import Connection

_RELEASED_WITHIN: Final = 30.0
"""Seconds that even a busy server needs at most to notice that a reader has gone."""
_MADE_WITHIN: Final = "60s"
_SLOT = """
SELECT confirmed_flush_lsn - '0/0'::pg_lsn, pg_current_wal_lsn() - '0/0'::pg_lsn,
       plugin, database, database = current_database(), wal_status,
       to_jsonb(slot) ->> 'invalidation_reason'
FROM pg_replication_slots slot WHERE slot_name = %s
"""
_OLDEST = """
SELECT string_agg(format('%s (%s, since %s)', pid, usename, xact_start), '; ')
FROM (SELECT pid, usename, xact_start FROM pg_stat_activity
      WHERE backend_xid IS NOT NULL ORDER BY xact_start LIMIT 3) oldest
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as the server sees it; positions are numbers."""

    confirmed: int
    """The server sends no transaction whose commit lies before it."""
    end: int
    """The end of the server's log."""
    lost: str | None
    """Why its log is gone, if it is."""


def slot_of(session: Connection, name: str) -> Slot | None:
    """The slot, or None if there is none. Raises a permanent `SourceError` for another's slot."""
    row = session.execute(_SLOT, (name,)).fetchone()
    if row is None:
        return None
    confirmed, end, plugin, database, ours, status, reason = row
    if plugin != "pgoutput":
        raise SourceError(
            f"the replication slot {name} is of the plugin {plugin}, not of pgoutput: drop it",
            temporary=False,
        )
    if not ours:
        raise SourceError(
            f"the replication slot {name} belongs to the database {database} of the same server,"
            " for a stream of the same name: give this stream another name",
            temporary=False,
        )
    lost = reason or f"its wal_status is {status}" if status == "lost" or reason else None
    return Slot(int(confirmed or 0), int(end), lost)


def create_slot(session: Connection, name: str) -> Slot:
    """Make the slot. Waits until every transaction that is open now has ended.

    Raises a temporary `SourceError` that names them when that takes longer than a minute. From
    PostgreSQL 17 on the slot is copied to standbys that are set up for it, so that it survives a
    failover.
    """
    failover = ", failover => true" if session.info.server_version >= 170000 else ""
    query = f"SELECT pg_create_logical_replication_slot(%s, 'pgoutput'{failover})"
    try:
        with session.transaction():
            session.execute("SELECT set_config('statement_timeout', %s, true)", (_MADE_WITHIN,))
            session.execute(query.encode(), (name,))
    except psycopg.errors.QueryCanceled as error:
        row = session.execute(_OLDEST).fetchone()
        raise SourceError(
            f"the replication slot {name} cannot be made while transactions from before stay"
            f" open; the oldest are of the processes {row[0] if row else 'unknown'}: end them",
            temporary=True,
        ) from error
    slot = slot_of(session, name)
    if slot is None:
        raise SourceError(f"the replication slot {name} was dropped at once", temporary=True)
    return slot


def drop_slot(session: Connection, name: str) -> None:
    """Drop the slot if it is there, once its last reader has gone. Raises `SourceError`."""
    deadline = time.monotonic() + _RELEASED_WITHIN
    while True:
        try:
            session.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                " WHERE slot_name = %s",
                (name,),
            )
        except psycopg.errors.ObjectInUse as error:
            if time.monotonic() > deadline:
                raise SourceError(f"the slot {name} is still read: {error}", temporary=True) from (
                    error
                )
            time.sleep(0.05)
        except psycopg.Error as error:
            raise SourceError(f"the slot {name} cannot be dropped: {error}", temporary=True) from (
                error
            )
        else:
            return


def retained(session: Connection, name: str) -> int:
    """Bytes of log that the server keeps for the slot; raises a temporary `SourceError`."""
    try:
        row = session.execute(
            "SELECT pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots"
            " WHERE slot_name = %s",
            (name,),
        ).fetchone()
    except psycopg.Error as error:
        raise SourceError(f"PostgreSQL: {error}", temporary=True) from error
    return int(row[0]) if row and row[0] is not None else 0
