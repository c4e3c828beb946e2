"""How things stand: the live table, who serves it, and what its groups ask for and really get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from strangler.admin.answers import VersionInfo, version_info
from strangler.config.model import Split, Table
from strangler.rollout.versions import Replica, TableVersion


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process of this gateway."""

    slot: int
    pid: int
    version: int
    """0 while it serves nothing."""
    restarts: int
    silent: float
    """Seconds since it last answered the supervisor, which asks every second."""


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """One endpoint as the health checks see it."""

    upstream: str
    endpoint: str
    up: bool
    checked: bool
    """False where no health check is configured; such an endpoint counts as up."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last table that this gateway would not take."""

    at: float
    version: int
    problems: tuple[str, ...]
    count: int
    """Refusals since the gateway started."""


class Runtime(Protocol):
    """What only a running gateway knows."""

    def workers(self) -> Sequence[Worker]:
        """The worker processes, by slot."""
        ...

    def endpoints(self) -> Sequence[EndpointHealth]:
        """The endpoints of every upstream."""
        ...

    def requests(self) -> Mapping[tuple[str, str], int]:
        """Requests under the table that is served now, by route and upstream."""
        ...

    def since(self) -> int:
        """That table's version."""
        ...

    def refusal(self) -> Refusal | None:
        """The last refused table since the live one was taken, if any."""
        ...


@dataclass(frozen=True, slots=True)
class Share:
    """What an upstream of a group was asked to take and took."""

    upstream: str
    asked: int
    """Hundredths of a percent."""
    requests: int | None
    """Since version `Status.since` is served; None without a running gateway."""


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """One group with the split of its first route that has one."""

    group: str
    routes: tuple[str, ...]
    shares: tuple[Share, ...]
    kill: bool
    owner: str = ""
    """The side that may write, for a group with streams."""


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """One gateway that serves this store's tables."""

    id: str
    host: str
    pid: int
    served: tuple[int, ...]
    current: bool
    """Whether all its workers serve the live version."""


@dataclass(frozen=True, slots=True)
class Status:
    """Everything `strangler status` shows."""

    live: VersionInfo | None
    groups: tuple[GroupStatus, ...]
    replicas: tuple[ReplicaStatus, ...]
    gateway: bool
    """Whether a running gateway answered; the fields below are empty if not."""
    workers: tuple[Worker, ...] = ()
    endpoints: tuple[EndpointHealth, ...] = ()
    refusal: Refusal | None = None
    since: int = 0
    """The version from which on requests are counted."""


def status_of(
    live: TableVersion | None,
    table: Table | None,
    replicas: Sequence[Replica],
    owners: Mapping[str, str],
    runtime: Runtime | None,
) -> Status:
    """Put together what the store and, if there is one, the running gateway know."""
    requests = runtime.requests() if runtime else None
    return Status(
        live=version_info(live) if live else None,
        groups=_groups(table, owners, requests) if table else (),
        replicas=replicas_of(replicas, live.number if live else 0),
        gateway=runtime is not None,
        workers=tuple(runtime.workers()) if runtime else (),
        endpoints=tuple(runtime.endpoints()) if runtime else (),
        refusal=runtime.refusal() if runtime else None,
        since=runtime.since() if runtime else 0,
    )


def replicas_of(replicas: Sequence[Replica], live: int) -> tuple[ReplicaStatus, ...]:
    """Each replica, and whether it serves the live version."""
    return tuple(
        ReplicaStatus(each.id, each.host, each.pid, each.served, each.serves(live))
        for each in replicas
    )


def _groups(
    table: Table, owners: Mapping[str, str], requests: Mapping[tuple[str, str], int] | None
) -> tuple[GroupStatus, ...]:
    members: dict[str, list[str]] = {}
    shares: dict[str, dict[str, int]] = {}
    for route in table.routes:
        members.setdefault(route.group, []).append(route.name)
        if isinstance(route.action, Split):
            shares.setdefault(route.group, {route.old: 0} | dict(route.action.shares))
    return tuple(
        GroupStatus(
            group=group,
            routes=tuple(members[group]),
            shares=tuple(
                Share(upstream, asked, _taken(requests, members[group], upstream))
                for upstream, asked in split.items()
            ),
            kill=table.groups[group].kill,
            owner=owners.get(group, ""),
        )
        for group, split in shares.items()
    )


def _taken(
    requests: Mapping[tuple[str, str], int] | None, routes: Sequence[str], upstream: str
) -> int | None:
    if requests is None:
        return None
    return sum(requests.get((route, upstream), 0) for route in routes)
