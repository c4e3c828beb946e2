"""Markers as rows: what the relay finds in the log of the table `strangler_marker`."""

from __future__ import annotations

import orjson

from cdc.change import Change, Marker

MARKER_TABLE = "strangler_marker"


def marker_of(change: Change) -> Marker | None:
    """The marker of a row of the marker table; None for what is none (its clean-up, say)."""
    if change.after is None:
        return None
    names = (column.name for column in change.relation.columns)
    row = dict(zip(names, change.after, strict=True))
    try:
        body = orjson.loads(str(row["body"]))
        marker = Marker(str(row["stream"]), str(row["kind"]), int(str(row["seq"])), body)
    except (KeyError, ValueError):
        return None
    return marker if isinstance(body, dict) else None
