"""What was measured, kept by case, peer, round and metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One case of one peer in one round.

    Metrics: cpu_us (whole process tree) and control_us (its master or supervisor) per request;
    rps; mb_s; p50_us, p99_us; rss and pss in bytes; more by case.
    """

    case: str
    peer: str
    round: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that gave no figure, because an answer was wrong or a process failed."""

    case: str
    peer: str
    reason: str


@dataclass(slots=True)
class Results:
    """Everything the report is made of."""

    machine: Mapping[str, str]
    """What it ran on, in the order to print."""
    peers: Mapping[str, str]
    """Name -> version."""
    skipped: Mapping[str, str]
    """Name -> why it was not started."""
    settings: Mapping[str, str] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def series(self, case: str, peer: str, metric: str) -> dict[int, float]:
        """Round number -> value, for the rounds that have one."""
        found = (s for s in self.samples if (s.case, s.peer) == (case, peer))
        return {s.round: s.values[metric] for s in found if metric in s.values}

    def names(self, case: str) -> list[str]:
        """The peers with figures for a case, in the order they were run."""
        return list(dict.fromkeys(s.peer for s in self.samples if s.case == case))

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)
