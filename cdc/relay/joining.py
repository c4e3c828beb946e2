"""Tables that join a stream or leave it, from one start of its relay to another. Pure.

The log alone does not fill the copy of a table that joins: the rows that are there already are in
it no more, or never were. So it gets a run like those of a first start. That run stands in the same
checkpoint that calls the table known, so that a crash can lose neither without the other.
"""

from __future__ import annotations

from dataclasses import replace

from cdc.checkpoint import Checkpoint
from cdc.config.model import Stream
from cdc.snapshot import ADDED, Run


def joined(checkpoint: Checkpoint, stream: Stream, *, rows: bool) -> Checkpoint:
    """The checkpoint for the tables that the stream has now.

    `rows` says whether a table that joins is copied. One that left is forgotten with all that was
    still to be done for it, so that it is new when it comes back: what was changed meanwhile has
    not been read.
    """
    tables = tuple(table.table for table in stream.tables)
    if checkpoint.tables is None:  # of an earlier version, which copied what it began with
        return replace(checkpoint, tables=tables)
    new = [table for table in tables if table not in checkpoint.tables]
    left = [table for table in checkpoint.tables if table not in tables]
    topics = {f"{stream.topics.prefix}.{table}" for table in left}
    kept = tuple(run for run in checkpoint.runs if run.table not in left)
    return replace(
        checkpoint,
        tables=tables,
        runs=kept + tuple(Run(ADDED, table) for table in new if rows),
        # Nothing could mend them any more, and they would hold back the markers of all others.
        dead=tuple((topic, key) for topic, key in checkpoint.dead if topic not in topics),
    )
