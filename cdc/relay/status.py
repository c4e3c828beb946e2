"""What a relay says of itself, for `strangler cdc status`, the metrics and the log."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cdc.snapshot import Run

if TYPE_CHECKING:
    from cdc.relay.session import Session


def status(session: Session) -> dict[str, Any]:
    """A report as JSON.

    Made by another thread than the one that changes these numbers: each is right by itself. Only
    the last three depend on each other, so they are asked in this order: a run is there before its
    marker is counted, and a refusal before its run is gone.
    """
    counters, checkpoint, parts = session.counters, session.checkpoint, session.parts
    return {
        "pid": os.getpid(),
        "epoch": parts.epoch,
        "incarnation": checkpoint.incarnation,
        "position": parts.source.text(checkpoint.resume),
        "lag_ms": counters.lag_ms,
        "committed_ms": counters.committed_ms,
        "retained_bytes": counters.retained,
        "records": counters.records,
        "records_per_s": counters.per_second,
        "transactions": counters.transactions,
        "dead_letters": counters.dead_letters,
        "dead_keys": len(checkpoint.dead),
        "markers_held": counters.markers_held,
        "dropped_loops": counters.dropped_loops,
        "chunks_again": counters.chunks_again,
        "marker_seq": counters.marker_seq,
        "snapshots": [_run(run, session.snapshots.estimate(run)) for run in session.snapshots.runs],
        "refused": [asdict(each) for each in session.snapshots.refused],
    }


def _run(run: Run, estimate: int) -> dict[str, Any]:
    return {
        "id": run.id,
        "table": run.table,
        "rows": run.rows,
        "estimate": estimate,
        "done": run.done,
        "repair": run.keys is not None,
    }
