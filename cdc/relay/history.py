"""Whether the source still has the history that the relay has read.

Its identifiers are the old ones when a disk, a file or a dump is put back, and so are its slot and
its log, as soon as it has written past the relay's place. But it lacks the markers that came by the
log since that day: a marker is written before it is read, so a source that has less than the
checkpoint is an earlier one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from cdc.change import MarkerKind
from cdc.checkpoint import Checkpoint
from cdc.config.model import Stream
from cdc.config.names import command
from cdc.relay.ports import SourceControl, SourceError

BEYOND = 1_000_000
"""Numbers that are left out where they begin anew: more markers than any relay reads between two
checkpoints."""


def check_history(
    stream: Stream, connect: Callable[[], SourceControl], checkpoint: Checkpoint
) -> None:
    """Raise a permanent `SourceError` where the source lacks a marker that was read from it.

    `checkpoint` must have been read before the source is asked: another relay may still write.
    """
    if not checkpoint.marker:
        return
    with closing(connect()) as control:
        newest = control.newest_marker(stream.name)
    if newest < checkpoint.marker:
        raise SourceError(
            f"the newest marker of the stream {stream.name} at its source is {newest}, before"
            f" {checkpoint.marker} which was read from there already: the source was put back to"
            " an earlier state (or its table strangler_marker was emptied), and what it has"
            " committed since then may never be read; resume with"
            f" `{command('run', stream, '--resnapshot')}`",
            temporary=False,
        )


def number_on(stream: Stream, connect: Callable[[], SourceControl], checkpoint: Checkpoint) -> None:
    """Have a new incarnation's markers numbered after those of the one before.

    An applier counts a marker as passed when it has passed one with a greater number. A source that
    was put back, or whose markers were removed, would give such numbers again: whoever waits for a
    marker would be told at once that it has arrived. Only once the new checkpoint is kept, as
    greater numbers are what `check_history` would take for a history that goes on.
    """
    if not checkpoint.marker:
        return
    with closing(connect()) as control:
        if control.newest_marker(stream.name) < checkpoint.marker:
            control.mark(stream.name, MarkerKind.HEARTBEAT, "{}", checkpoint.marker + BEYOND)
