"""What a supervisor reports: plain data for the control plane, the metrics and the commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a worker process is in its life."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A worker serves the version; what it had in flight then."""

    slot: int
    pid: int
    version: int
    writes_in_flight: Mapping[str, int]
    """Per group; a group that is missing has none."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A living worker that does not serve the version, and why."""

    slot: int
    pid: int
    reason: str
    refused: bool
    """False for a worker that has not answered yet, and may still take it."""


@dataclass(frozen=True, slots=True)
class Published:
    """How the workers took a table version. Draining workers count too: they finish writes."""

    version: int
    acknowledgements: tuple[Acknowledgement, ...]
    failures: tuple[Failure, ...]

    @property
    def complete(self) -> bool:
        """Every living worker serves it."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """One worker process."""

    slot: int
    pid: int
    stage: Stage
    version: int
    """0 until it serves its first table."""
    writes_in_flight: Mapping[str, int]
    age: float
    """Seconds since it was started."""
    silent: float
    """Seconds since it last answered a ping."""
    resident_bytes: int
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Status:
    """The whole gateway on this host: what `strangler status` shows of a replica."""

    version: int
    """The newest table version that was handed to the workers."""
    address: str
    slots: int
    workers: tuple[WorkerStatus, ...]
    restarts: Mapping[int, int]
    """Deaths per slot that nobody asked for."""
    lease_remaining: float
    """Seconds; negative when the lease is over."""
    endpoints: Mapping[tuple[str, str], bool]
    """Checked endpoints by (upstream, endpoint): whether the checks pass."""
    panic: frozenset[str]
    """Upstreams all of whose endpoints are down; all of them are used again."""
