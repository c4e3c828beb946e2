"""What an applier counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Since the start of the process; written by the applier's thread, read by any."""

    rows: int = 0
    """Keys whose outcome was written."""
    records: int = 0
    """Records that were read and counted for something."""
    dropped: int = 0
    """Records that had been applied before, or came from a replaced relay."""
    batches: int = 0
    """Transactions that were committed."""
    careful: int = 0
    """Batches that had to be taken apart."""
    mended: int = 0
    """Held records that could be applied later."""
    failures: int = 0
    """Temporary failures of the target or of Kafka."""
    waiting: int = 0
    """Keys that wait now."""
    parked: int = 0
    """Keys that are parked now."""
    lag_ms: int = 0
    """From the source's commit of the last record of the last batch to its own commit here."""
    ignored: int = 0
    """Columns that the target lacks and that are left out."""
