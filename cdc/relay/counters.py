"""What a relay has done and where it stands: for status, metrics and log."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Grows while the process lives. Written by the relay's thread, read by others."""

    records: int = 0
    """Records handed to Kafka."""
    per_second: int = 0
    """Records of the last second."""
    transactions: int = 0
    """Transactions of the source that were read to their end."""
    settled: int = 0
    """Times that Kafka confirmed everything."""
    dead_letters: int = 0
    """Records that went to the dead letters."""
    markers_held: int = 0
    """Markers that were not forwarded because of dead letters."""
    dropped_loops: int = 0
    """Transactions that the partner's applier had written."""
    chunks_again: int = 0
    """Chunks of a snapshot that had to be read again."""
    refused_runs: int = 0
    """Snapshots and repairs that were asked for and cannot be made; the log says why."""
    committed_ms: int = 0
    """When the newest transaction was committed at the source, in milliseconds since 1970."""
    lag_ms: int = 0
    """From that commit to the moment when it was handed to Kafka."""
    marker_seq: int = 0
    """The newest marker of the stream that came back in the log."""
    retained: int = 0
    """Bytes of log that the source keeps for the stream, as of the last look."""
