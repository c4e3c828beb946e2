"""How much is measured, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

THROUGHPUT = ("commit-1", "commit-100", "commit-10000")
LATENCY, BIG, SNAPSHOT, APPLIER, VERIFY, MARIADB = CASES = (
    "latency", "big", "snapshot", "applier", "verify", "mariadb",
)  # fmt: skip
ALL = (*THROUGHPUT, *CASES)


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows of each case, and how often."""

    rounds: int = 3
    small: int = 100_000
    """Rows of a round of one-row commits."""
    rows: int = 300_000
    """Rows of a round of any other size of commit."""
    latency: int = 8_000
    big: int = 1_000_000
    """Rows of the one transaction, and of the table that is copied."""
    mariadb: int = 100_000
    within: float = 180.0
    """Seconds that a reader may take."""

    def rows_of(self, commit: int) -> int:
        """Rows of a round with so many to a commit."""
        return self.small if commit == 1 else self.rows


def quick() -> Plan:
    """Shows that all of it works, no more."""
    return Plan(rounds=1, small=10_000, rows=50_000, latency=2_000, big=50_000, mariadb=10_000)


def commit_of(case: str) -> int:
    """Rows to a commit of a case of the throughput."""
    return int(case.rpartition("-")[2])
