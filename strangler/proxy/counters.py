"""Where a worker counts: cells of unsigned 64-bit integers in memory shared with the supervisor.

A worker process has a page set of its own, so `cells[i] += 1` needs no lock; the supervisor reads
it at any time and keeps it when the worker dies, so that no count is lost. A page set starts with
the worker's block, then comes one block per series. A series is a pair (route, upstream) and keeps
its place whatever table version is served, so counts go on across versions.

On the request path: `cells[base + STATUS_2XX] += 1`, where `base` is what `SeriesMap` assigned.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from strangler.config.model import Split, Table

CELL_BYTES: Final = 8

# The worker's block. Gauges say what is now; the others only grow.
CONNECTIONS: Final = 0
"""Gauge: client connections open."""
CONNECTIONS_TOTAL: Final = 1
REQUESTS_TOTAL: Final = 2
"""Heads read, refused ones included."""
TABLE_VERSION: Final = 3
"""Gauge: the table version that new requests are matched with."""
HELD: Final = 4
"""Gauge: writes held by a fence."""
HELD_TOTAL: Final = 5
RECONNECTS_TOTAL: Final = 6
"""Requests sent again because a pooled connection turned out to be closed."""
UPSTREAM_CONNECTIONS: Final = 7
"""Gauge: connections to endpoints, idle ones included."""
UPSTREAM_CONNECTS_TOTAL: Final = 8
TUNNELS: Final = 9
"""Gauge: upgraded connections."""
TUNNELS_TOTAL: Final = 10
BUFFERED_BYTES: Final = 11
"""Gauge: bytes of request bodies that are being collected."""
LOG_LINES_DROPPED_TOTAL: Final = 12
"""Access-log lines thrown away because the disk was slower than the traffic."""
REFUSALS: Final = 16
"""Requests refused, one cell per `Refusal`: `cells[REFUSALS + reason] += 1`."""
SERIES: Final = 64
"""First cell of the first series."""

WORKER_GAUGES: Final = (
    CONNECTIONS, TABLE_VERSION, HELD, UPSTREAM_CONNECTIONS, TUNNELS, BUFFERED_BYTES,
)  # fmt: skip
"""Set to 0 when the process that counted is gone."""

# A series' block, relative to its base.
STATUS_1XX: Final = 0
"""Only a final 1xx: 101, a tunnel."""
STATUS_2XX: Final = 1
STATUS_3XX: Final = 2
STATUS_4XX: Final = 3
STATUS_5XX: Final = 4
ABORTED: Final = 5
"""Answers cut short: a side went away after the head was sent. Also counted by their status."""
RETRIES: Final = 6
IN_FLIGHT: Final = 7
"""Gauge: from match to the last byte of the answer."""
BYTES_IN: Final = 8
"""Bytes of request bodies."""
BYTES_OUT: Final = 9
"""Bytes of answers' bodies."""
DURATION_US: Final = 10
"""Sum of the durations in the histogram, in microseconds."""
BUCKETS: Final = 11
"""First cell of the latency histogram, which has `len(BOUNDS_US) + 1` cells."""
BOUNDS_US: Final = (
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
)  # fmt: skip
"""Upper bounds of the buckets (inclusive) in microseconds; one more bucket takes the rest."""
SERIES_CELLS: Final = 32
"""Cells per series: a power of two, so that a series lies in four cache lines."""

MAX_SERIES: Final = 32_768
"""8 MiB of address space per page set; memory is taken only for series that counted."""
OTHER: Final = SERIES
"""Base of the series that counts whatever found no place of its own."""
PAGE_SET_BYTES: Final = (SERIES + MAX_SERIES * SERIES_CELLS) * CELL_BYTES

DEFAULT_ROUTE: Final = "-"
"""Stands for the route of requests that no route matches."""
NO_UPSTREAM: Final = "-"
"""Stands for the upstream of redirects and fixed responses."""


class Refusal(IntEnum):
    """Why the gateway answered on its own; the status, the log's word and the metric's label."""

    status: int
    """The status sent; 499 is only counted, as the client is no longer there to be told."""

    def __new__(cls, index: int, status: int) -> Refusal:
        """The number is the reason's cell; the status rides along."""
        member = int.__new__(cls, index)
        member._value_ = index
        member.status = status
        return member

    @property
    def label(self) -> str:
        """The reason in snake_case."""
        return self.name.lower()

    BAD_REQUEST = (0, 400)
    AMBIGUOUS_PATH = (1, 400)
    AMBIGUOUS_LENGTH = (2, 400)
    HOST = (3, 400)
    """None, several, or none that could be a host (RFC 9112, 3.2)."""
    HEADER_TIMEOUT = (4, 408)
    BODY_TIMEOUT = (5, 408)
    BODY_TOO_LARGE = (6, 413)
    URI_TOO_LONG = (7, 414)
    EXPECTATION = (8, 417)
    HEAD_TOO_LARGE = (9, 431)
    CLIENT_GONE = (10, 499)
    INTERNAL = (11, 500)
    """A fault of the gateway's own."""
    METHOD = (12, 501)
    """CONNECT, and transfer codings other than chunked (RFC 9112, 6.1)."""
    CONNECT_FAILED = (13, 502)
    UPSTREAM_RESET = (14, 502)
    UPSTREAM_BAD_RESPONSE = (15, 502)
    NO_ENDPOINT = (16, 503)
    CONNECTIONS = (17, 503)
    UPSTREAM_CONNECTIONS = (18, 503)
    HOLD_FULL = (19, 503)
    HOLD_TIMEOUT = (20, 503)
    LEASE_LOST = (21, 503)
    BUFFER_FULL = (22, 503)
    DRAINING = (23, 503)
    CONNECT_TIMEOUT = (24, 504)
    FIRST_BYTE_TIMEOUT = (25, 504)
    TOTAL_TIMEOUT = (26, 504)
    IDLE_TIMEOUT = (27, 504)
    VERSION = (28, 505)


def bucket(duration_us: int) -> int:
    """The histogram's cell of a duration, relative to the series' base."""
    return BUCKETS + bisect_left(BOUNDS_US, duration_us)


def reset_gauges(cells: memoryview, bases: Mapping[tuple[str, str], int]) -> None:
    """What a dead process left in the gauges is no longer true; its counts still are."""
    for cell in WORKER_GAUGES:
        cells[cell] = 0
    cells[OTHER + IN_FLIGHT] = 0
    for base in bases.values():
        if cells[base + IN_FLIGHT]:
            cells[base + IN_FLIGHT] = 0


class SeriesMap:
    """Gives each pair (route, upstream) its base once and for all; the supervisor's alone."""

    def __init__(self, capacity: int = MAX_SERIES) -> None:
        self._bases: dict[tuple[str, str], int] = {}
        self._capacity = capacity

    @property
    def bases(self) -> Mapping[tuple[str, str], int]:
        """Every series ever assigned with the cell where it begins; without `OTHER`."""
        return self._bases

    def assign(self, table: Table) -> dict[tuple[str, str], int]:
        """The base of every series that `table` can count in; `OTHER` when there is no room."""
        return {pair: self._base(pair) for pair in series_of(table)}

    def _base(self, pair: tuple[str, str]) -> int:
        known = self._bases.get(pair)
        if known is not None:
            return known
        taken = len(self._bases) + 1  # one for OTHER
        if taken >= self._capacity:
            return OTHER
        base = self._bases[pair] = SERIES + taken * SERIES_CELLS
        return base


def series_of(table: Table) -> list[tuple[str, str]]:
    """The pairs that requests under `table` are counted by, in a fixed order."""
    pairs = {(DEFAULT_ROUTE, table.default): None}
    for route in table.routes:
        if isinstance(route.action, Split):
            upstreams = [name for name, _ in route.action.shares]
            pairs.update(dict.fromkeys((route.name, name) for name in [*upstreams, route.old]))
        else:
            pairs[route.name, NO_UPSTREAM] = None
    return list(pairs)
