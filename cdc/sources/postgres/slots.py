"""Replication slots: what makes the server keep its log for a stream."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from cdc.relay.ports import SourceError
from cdc.sources.postgres.catalog import Connection
from cdc.sources.postgres.wire import Replication


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
    """The slot, or None if there is none."""
    row = session.execute(
        "SELECT confirmed_flush_lsn - '0/0'::pg_lsn, pg_current_wal_lsn() - '0/0'::pg_lsn,"
        " wal_status, plugin FROM pg_replication_slots WHERE slot_name = %s",
        (name,),
    ).fetchone()
    if row is None:
        return None
    confirmed, end, status, plugin = row
    if plugin != "pgoutput":
        raise SourceError(
            f"the replication slot {name} is of the plugin {plugin}, not of pgoutput: drop it",
            temporary=False,
        )
    lost = "wal_status is lost" if status == "lost" or confirmed is None else None
    return Slot(int(confirmed or 0), int(end), lost)


def create_slot(wire: Replication, name: str) -> Slot:
    """Make the slot; waits until every transaction that is open now has ended."""
    command = f'CREATE_REPLICATION_SLOT "{name}" LOGICAL pgoutput NOEXPORT_SNAPSHOT'
    position = wire.query(command)[0][1]
    high, _, low = (position or "0/0").partition("/")
    at = int(high, 16) << 32 | int(low, 16)
    return Slot(at, at, None)


def drop_slot(session: Connection, name: str) -> None:
    """Drop the slot if it is there and nobody uses it. Raises `SourceError`."""
    try:
        session.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE slot_name = %s",
            (name,),
        )
    except psycopg.Error as error:
        raise SourceError(f"the slot {name} cannot be dropped: {error}", temporary=True) from error


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
