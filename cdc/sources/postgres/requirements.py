"""What is asked of the server, of the role and of the stream's slot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cdc.config.model import Stream
from cdc.config.names import command
from cdc.sources.postgres.catalog import Connection, ident, one
from cdc.sources.preflight import Finding

_OLDEST: Final = 130000
_MAY_REPLICATE: Final = """
SELECT bool_or(r.rolreplication OR r.rolsuper) OR EXISTS (
    SELECT FROM pg_roles m WHERE m.rolname = 'rds_replication'
    AND pg_has_role(current_user, m.oid, 'MEMBER'))
FROM pg_roles r WHERE r.rolname = current_user
"""
"""Amazon RDS gives the right by membership in a role of this name."""
_SLOT: Final = """
SELECT plugin, database, active, wal_status, pg_size_pretty(behind), behind
FROM pg_replication_slots, LATERAL (SELECT CASE WHEN NOT pg_is_in_recovery()
    THEN pg_current_wal_lsn() - restart_lsn END AS behind) AS kept
WHERE slot_name = %s
"""
_NO_LIMIT: Final = ("0", "-1", "None")


def server(session: Connection) -> Iterator[Finding]:
    """Its version and its settings."""
    version = session.info.server_version
    if version < _OLDEST:
        yield Finding(
            f"PostgreSQL {version // 10000} is too old: publications of partitioned tables and"
            " limits of what a slot keeps need 13", "upgrade the server", applies=False,
        )  # fmt: skip
    level = _setting(session, "wal_level")
    if level != "logical":
        yield Finding(
            f"wal_level is {level}; only with logical does the log tell rows",
            "ALTER SYSTEM SET wal_level = logical, then restart the server", applies=False,
        )  # fmt: skip
    if one(session, "SELECT pg_is_in_recovery()"):
        yield Finding(
            "the server is a standby, where neither markers nor publications can be written",
            "name the primary in `source:`", applies=False,
        )  # fmt: skip
    if _setting(session, "server_encoding") == "SQL_ASCII":
        yield Finding(
            "the database has the encoding SQL_ASCII: rows with text that is no UTF-8 become dead"
            " letters", "have the application write UTF-8", fatal=False, applies=False,
        )  # fmt: skip
    yield from _limits(session)


def _limits(session: Connection) -> Iterator[Finding]:
    if _setting(session, "max_slot_wal_keep_size") in _NO_LIMIT:
        yield Finding(
            "max_slot_wal_keep_size is unlimited: a relay that is off for long fills the disk",
            "ALTER SYSTEM SET max_slot_wal_keep_size = '64GB'; SELECT pg_reload_conf()",
            fatal=False, applies=False,
        )  # fmt: skip
    idle = _setting(session, "idle_replication_slot_timeout")
    if idle not in _NO_LIMIT:
        yield Finding(
            f"idle_replication_slot_timeout is {idle}: a relay that is off for longer loses the log"
            " and needs a snapshot",
            "ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf()",
            fatal=False, applies=False,
        )  # fmt: skip


def room(session: Connection, slot: str) -> Iterator[Finding]:
    """Whether there is a place for the slot, and for the session that reads it."""
    active = one(session, "SELECT active FROM pg_replication_slots WHERE slot_name = %s", slot)
    used = {}
    if active is None:
        used["max_replication_slots"] = "SELECT count(*) FROM pg_replication_slots"
    if not active:
        used["max_wal_senders"] = "SELECT count(*) FROM pg_stat_replication"
    for setting, query in used.items():
        most = int(_setting(session, setting))
        if one(session, query) >= most:
            yield Finding(
                f"all {most} of {setting} are in use",
                f"ALTER SYSTEM SET {setting} = {most + 10}, then restart the server",
                applies=False,
            )


def role(session: Connection) -> Iterator[Finding]:
    """The right to replicate."""
    if not one(session, _MAY_REPLICATE):
        name = ident(session.info.user)
        yield Finding(
            f"the role {session.info.user} may not replicate", f"ALTER ROLE {name} REPLICATION",
            applies=False,
        )  # fmt: skip


def slot_state(session: Connection, stream: Stream, slot: str) -> Iterator[Finding]:
    """The slot, where there is one: the relay's first start makes it."""
    row = session.execute(_SLOT, (slot,)).fetchone()
    if row is None:
        return
    plugin, database, active, status, pretty, behind = row
    dropped = f"SELECT pg_drop_replication_slot('{slot}')"
    if plugin != "pgoutput" or database != session.info.dbname:
        yield Finding(
            f"there is a replication slot {slot} of the plugin {plugin} in the database"
            f" {database or '(none)'}: it is not the stream's",
            f"give the stream another name, or {dropped}", applies=False,
        )  # fmt: skip
    elif status == "lost":
        yield Finding(
            f"the replication slot {slot} has lost its log, and the stream the changes in it",
            command("run", stream, "--resnapshot"), applies=False,
        )  # fmt: skip
    elif status == "unreserved":
        yield Finding(
            f"the replication slot {slot} is about to lose its log",
            f"{command('run', stream)} before the next checkpoint, or raise"
            " max_slot_wal_keep_size", fatal=False, applies=False,
        )  # fmt: skip
    elif not active and (behind or 0) > stream.limits.retained_warn:
        yield Finding(
            f"the replication slot {slot} keeps {pretty} of log and nobody reads it",
            f"{command('run', stream)}, or {dropped}", fatal=False, applies=False,
        )  # fmt: skip


def _setting(session: Connection, name: str) -> str:
    """A setting's value; `None` for one that the version does not know."""
    return str(one(session, "SELECT current_setting(%s, true)", name))
