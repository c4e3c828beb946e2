"""Fakes that are part of the product: what a test of an extension needs, kept true by ours.

`MemoryStore` passes the same conformance suite as the stores on SQLite and PostgreSQL.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from strangler.rollout.versions import (
    AuditEntry,
    Owner,
    Proposal,
    Replica,
    TableVersion,
    check_commit,
)


class ManualClock:
    """Time that passes only when a test says so."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """What time it is."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class MemoryStore:
    """A `VersionStore` that forgets everything at its end."""

    shared = False

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or ManualClock()
        self._lock = threading.Lock()
        self._versions: list[TableVersion] = []
        self._replicas: dict[str, Replica] = {}
        self._owners: dict[str, Owner] = {}
        self._settings: dict[str, str] = {}
        self._audit: list[AuditEntry] = []

    def newest(self) -> TableVersion | None:
        """The live version, or None in an empty store."""
        return self._versions[-1] if self._versions else None

    def number(self) -> int:
        """The live version's number, 0 for none."""
        newest = self.newest()
        return newest.number if newest else 0

    def version(self, number: int) -> TableVersion | None:
        """That version, or None."""
        return next((found for found in self._versions if found.number == number), None)

    def history(self, limit: int = 50, before: int | None = None) -> Sequence[TableVersion]:
        """Versions below `before`, newest first."""
        older = [found for found in self._versions if before is None or found.number < before]
        return older[::-1][:limit]

    def commit(self, proposal: Proposal, *, expected: int) -> TableVersion:
        """Make a version live if exactly `expected` is live now."""
        with self._lock:
            check_commit(proposal, expected, self.newest())
            version = TableVersion(
                number=proposal.number,
                text=proposal.text,
                author=proposal.author,
                source=proposal.source,
                reason=proposal.reason,
                summary=proposal.summary,
                created_at=self._clock(),
                fences=proposal.fences,
            )
            self._versions.append(version)
            for group, upstream in proposal.owners:
                epoch = self._owners[group].epoch if group in self._owners else 0
                self._owners[group] = Owner(group, upstream, epoch + 1)
        what = f"version {proposal.number}: {proposal.summary or proposal.source}"
        self.record(proposal.author, proposal.source, what)
        return version

    def register(self, replica: Replica, lease: float) -> int:
        """Note that a replica lives for `lease` seconds more; the newest version's number."""
        with self._lock:
            now = self._clock()
            self._replicas[replica.id] = replace(replica, seen_at=now, lease_until=now + lease)
            return self.number()

    def leave(self, replica_id: str) -> None:
        """Forget a replica that stops."""
        self._replicas.pop(replica_id, None)

    def replicas(self) -> Sequence[Replica]:
        """Those whose lease holds."""
        now = self._clock()
        alive = [replica for replica in self._replicas.values() if replica.lease_until > now]
        return sorted(alive, key=lambda replica: replica.id)

    def owners(self) -> Mapping[str, Owner]:
        """Owner of each group with streams, by group."""
        return dict(self._owners)

    def setting(self, name: str, proposed: str) -> str:
        """The value kept under `name`; `proposed` if none was, and then for ever."""
        return self._settings.setdefault(name, proposed)

    def record(self, author: str, action: str, details: str) -> None:
        """Add to the audit log."""
        self._audit.append(AuditEntry(self._clock(), author, action, details))

    def audit(self, limit: int = 50) -> Sequence[AuditEntry]:
        """The audit log, newest first."""
        return self._audit[::-1][:limit]

    def close(self) -> None:
        """Nothing to let go of."""
