"""`VersionStore` on a database, through SQLAlchemy Core."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, text, update

from strangler.config.model import Fence
from strangler.rollout.versions import (
    AuditEntry,
    Owner,
    Proposal,
    Replica,
    Source,
    TableVersion,
    check_commit,
)
from strangler.store import schema
from strangler.store.engine import open_engine, reading, writing


def open_store(url: str) -> SqlStore:
    """The store at that URL, its schema brought forward; raises `StoreError`."""
    engine = open_engine(url)
    try:
        with writing(engine) as connection:
            schema.migrate(connection)
    except BaseException:
        engine.dispose()
        raise
    return SqlStore(engine)


class SqlStore:
    """Table versions and all that belongs to them, in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.shared = engine.dialect.name != "sqlite"

    def newest(self) -> TableVersion | None:
        """The live version, or None in an empty store."""
        with reading(self._engine) as connection:
            return _newest(connection)

    def number(self) -> int:
        """The live version's number, 0 for none."""
        with reading(self._engine) as connection:
            return _number(connection)

    def version(self, number: int) -> TableVersion | None:
        """That version, or None."""
        query = select(schema.versions).where(schema.versions.c.number == number)
        with reading(self._engine) as connection:
            return _version(connection.execute(query).first())

    def history(self, limit: int = 50, before: int | None = None) -> Sequence[TableVersion]:
        """Versions below `before`, newest first."""
        query = select(schema.versions).order_by(schema.versions.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(schema.versions.c.number < before)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [found for row in rows if (found := _version(row))]

    def commit(self, proposal: Proposal, *, expected: int) -> TableVersion:
        """Make a version live if exactly `expected` is live now."""
        with writing(self._engine) as connection:
            check_commit(proposal, expected, _newest(connection))
            now = _now(connection)
            connection.execute(insert(schema.versions).values(_columns(proposal, now)))
            for group, upstream in proposal.owners:
                _set_owner(connection, group, upstream)
            what = f"version {proposal.number}: {proposal.summary or proposal.source}"
            _record(connection, now, proposal.author, proposal.source, what)
        return TableVersion(
            number=proposal.number,
            text=proposal.text,
            author=proposal.author,
            source=proposal.source,
            reason=proposal.reason,
            summary=proposal.summary,
            created_at=now,
            fences=proposal.fences,
        )

    def register(self, replica: Replica, lease: float) -> int:
        """Note that a replica lives for `lease` seconds more; the newest version's number."""
        with writing(self._engine) as connection:
            now = _now(connection)
            values = {
                "host": replica.host,
                "pid": replica.pid,
                "served": json.dumps(replica.served),
                "seen_at": now,
                "lease_until": now + lease,
            }
            table = schema.replicas
            changed = connection.execute(update(table).where(table.c.id == replica.id), values)
            if not changed.rowcount:
                connection.execute(insert(table), {"id": replica.id, **values})
            return _number(connection)

    def leave(self, replica_id: str) -> None:
        """Forget a replica that stops."""
        with writing(self._engine) as connection:
            connection.execute(delete(schema.replicas).where(schema.replicas.c.id == replica_id))

    def replicas(self) -> Sequence[Replica]:
        """Those whose lease holds."""
        table = schema.replicas
        with reading(self._engine) as connection:
            alive = table.c.lease_until > _now(connection)
            rows = connection.execute(select(table).where(alive).order_by(table.c.id)).all()
        return [_replica(row) for row in rows]

    def owners(self) -> Mapping[str, Owner]:
        """Owner of each group with streams, by group."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(schema.owners)).all()
        return {row.group_name: Owner(row.group_name, row.upstream, row.epoch) for row in rows}

    def setting(self, name: str, proposed: str) -> str:
        """The value kept under `name`; `proposed` if none was, and then for ever."""
        table = schema.settings
        with writing(self._engine) as connection:
            found = connection.execute(select(table.c.value).where(table.c.name == name)).scalar()
            if found is None:
                connection.execute(insert(table).values(name=name, value=proposed))
            return proposed if found is None else str(found)

    def record(self, author: str, action: str, details: str) -> None:
        """Add to the audit log."""
        with writing(self._engine) as connection:
            _record(connection, _now(connection), author, action, details)

    def audit(self, limit: int = 50) -> Sequence[AuditEntry]:
        """The audit log, newest first."""
        table = schema.audit
        with reading(self._engine) as connection:
            rows = connection.execute(select(table).order_by(table.c.id.desc()).limit(limit)).all()
        return [AuditEntry(row.at, row.author, row.action, row.details) for row in rows]

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _now(connection: Connection) -> float:
    """The store's clock: the server's where hosts share it, else this host's."""
    if connection.dialect.name == "postgresql":
        return float(
            connection.execute(
                text("SELECT extract(epoch FROM clock_timestamp())::double precision")
            ).scalar_one()
        )
    return time.time()


def _number(connection: Connection) -> int:
    return connection.execute(select(func.max(schema.versions.c.number))).scalar() or 0


def _newest(connection: Connection) -> TableVersion | None:
    query = select(schema.versions).order_by(schema.versions.c.number.desc()).limit(1)
    return _version(connection.execute(query).first())


def _version(row: Row[Any] | None) -> TableVersion | None:
    if row is None:
        return None
    return TableVersion(
        number=row.number,
        text=row.text,
        author=row.author,
        source=Source(row.source),
        reason=row.reason,
        summary=row.summary,
        created_at=row.created_at,
        fences=tuple(Fence(*fence) for fence in json.loads(row.fences)),
    )


def _replica(row: Row[Any]) -> Replica:
    served = tuple(json.loads(row.served))
    return Replica(row.id, row.host, row.pid, served, row.seen_at, row.lease_until)


def _columns(proposal: Proposal, now: float) -> dict[str, object]:
    fences = [(fence.group, fence.attempt, fence.expires_at) for fence in proposal.fences]
    return {
        "number": proposal.number,
        "text": proposal.text,
        "fences": json.dumps(fences),
        "author": proposal.author,
        "source": str(proposal.source),
        "reason": proposal.reason,
        "summary": proposal.summary,
        "created_at": now,
    }


def _set_owner(connection: Connection, group: str, upstream: str) -> None:
    table = schema.owners
    values = {"upstream": upstream, "epoch": table.c.epoch + 1}
    changed = connection.execute(update(table).where(table.c.group_name == group).values(values))
    if not changed.rowcount:
        connection.execute(insert(table).values(group_name=group, upstream=upstream, epoch=1))


def _record(connection: Connection, at: float, author: str, action: str, details: str) -> None:
    row = {"at": at, "author": author, "action": action, "details": details}
    connection.execute(insert(schema.audit).values(row))
