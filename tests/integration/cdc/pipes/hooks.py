"""Lets a test do something at a source at the exact moments of a snapshot's chunks."""

from __future__ import annotations

from contextlib import closing

from cdc.sources import open_control


def around_chunks(monkeypatch, stream, before, after) -> None:
    """Call `before(n, limit)` between a low marker and its chunk, and `after(n, rows)` between the
    chunk and its high marker; `n` counts the chunks from 0."""
    with closing(open_control(stream)) as control:
        kind = type(control)
    chunk, count = kind.chunk, iter(range(1_000_000))

    def hooked(self, relation, key, limit, *more):
        number = next(count)
        before(number, limit)
        found = chunk(self, relation, key, limit, *more)
        after(number, found.rows)
        return found

    monkeypatch.setattr(kind, "chunk", hooked)
