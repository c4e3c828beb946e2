"""Memory of idle keep-alive connections: 1,000 that have made one request each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack

from bench import verify
from bench.cases.base import Case, Context
from bench.peers.base import Running
from bench.setup import SIDE_BYTES, Setup, path

CONNECTIONS = 1000
SETTLE = 0.3
"""Seconds before memory is read, so that what is freed late is freed."""


def idle_connections(running: Running, setup: Setup, _context: Context) -> Mapping[str, float]:
    """Growth of the worker's resident memory per connection, in bytes."""
    with ExitStack() as stack:
        _open(running, setup, stack, 20)  # what is loaded once is no cost of a connection
        time.sleep(SETTLE)
        before = running.rss()
        _open(running, setup, stack, CONNECTIONS)
        time.sleep(SETTLE)
        after = running.rss()
    return {"per_connection": (after - before) / CONNECTIONS, "rss": after, "fresh_rss": before}


def _open(running: Running, setup: Setup, stack: ExitStack, wanted: int) -> None:
    for n in range(wanted):
        connection = verify.connect(running)
        stack.callback(connection.close)
        body = verify.ask(connection, path(n, setup.routes), "uid=idle")
        if len(body) != SIDE_BYTES:
            raise verify.WrongAnswerError(f"a body of {len(body)} bytes")


CASES = (Case("idle", Context.one_route, idle_connections, most_rounds=3, fresh=True),)
