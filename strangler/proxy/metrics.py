"""The gateway's metrics: what lies in the workers' counters, and what the supervisor knows.

Counts are summed over all page sets, so they survive the workers. `traffic` and `gateway` are pure
functions of cells and status; the admin port renders what they return.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from strangler.proxy import counters
from strangler.proxy.counters import (
    ABORTED,
    BOUNDS_US,
    BUCKETS,
    BYTES_IN,
    BYTES_OUT,
    DURATION_US,
    IN_FLIGHT,
    OTHER,
    REFUSALS,
    RETRIES,
    STATUS_1XX,
    STATUS_5XX,
    Refusal,
)
from strangler.proxy.status import Stage, Status
from strangler.telemetry.prometheus import Family

Pair: TypeAlias = tuple[str, str]

_WIDTH: Final = BUCKETS + len(BOUNDS_US) + 1
_BOUNDS: Final = tuple(bound / 1e6 for bound in BOUNDS_US)
_WORKER_COUNTS: Final = (
    (counters.CONNECTIONS_TOTAL, "connections_opened_total", "Client connections accepted."),
    (counters.REQUESTS_TOTAL, "requests_received_total", "Request heads read, refused ones too."),
    (counters.HELD_TOTAL, "requests_held_total", "Writes that a fence held."),
    (counters.RECONNECTS_TOTAL, "reconnects_total", "Requests sent again on a fresh connection."),
    (counters.UPSTREAM_CONNECTS_TOTAL, "upstream_connects_total", "Connections to endpoints."),
    (counters.TUNNELS_TOTAL, "tunnels_opened_total", "Connections upgraded to a tunnel."),
    (counters.LOG_LINES_DROPPED_TOTAL, "access_log_dropped_total", "Access-log lines lost."),
)
_WORKER_GAUGES: Final = (
    (counters.CONNECTIONS, "connections", "Client connections open."),
    (counters.HELD, "requests_held", "Writes held by a fence now."),
    (counters.UPSTREAM_CONNECTIONS, "upstream_connections", "Connections to endpoints open."),
    (counters.TUNNELS, "tunnels", "Upgraded connections open."),
    (counters.BUFFERED_BYTES, "buffered_bytes", "Bytes of request bodies being collected."),
)


def traffic(cells: Sequence[memoryview], bases: Mapping[Pair, int]) -> list[Family]:
    """The families counted per series and per worker; series without a request are left out."""
    return [*_series(cells, {("other", "other"): OTHER, **bases}), *_workers(cells)]


def gateway(status: Status, *, reloads_refused: int, version: str) -> list[Family]:
    """The families that the supervisor knows; `version` is the program's."""
    return [*_processes(status), *_tables(status, reloads_refused), *_upstreams(status),
            _single("build_info", "The program that runs.", 1, version=version)]  # fmt: skip


def _series(cells: Sequence[memoryview], bases: Mapping[Pair, int]) -> list[Family]:
    requests = _counter("requests_total", "Requests answered, by class of the status.")
    duration = Family(
        "strangler_request_duration_seconds",
        "histogram",
        "From the match to the last byte of the answer.",
    )
    bytes_in = _counter("request_bytes_total", "Bytes of request bodies.")
    bytes_out = _counter("response_bytes_total", "Bytes of answers' bodies.")
    retries = _counter("retries_total", "Requests sent again, on whatever ground.")
    aborted = _counter("requests_aborted_total", "Answers cut short by either side.")
    in_flight = _gauge("requests_in_flight", "Requests between match and last byte.")
    for (route, upstream), base in bases.items():
        row = _sums(cells, base)
        if not any(row):
            continue
        labels = {"route": route, "upstream": upstream}
        for offset in range(STATUS_1XX, STATUS_5XX + 1):
            if row[offset]:
                requests.add(row[offset], **labels, code_class=f"{offset - STATUS_1XX + 1}xx")
        duration.add_histogram(_BOUNDS, row[BUCKETS:], row[DURATION_US] / 1e6, **labels)
        for family, offset in (
            (bytes_in, BYTES_IN), (bytes_out, BYTES_OUT), (retries, RETRIES),
            (aborted, ABORTED), (in_flight, IN_FLIGHT),
        ):  # fmt: skip
            family.add(row[offset], **labels)
    return [requests, duration, bytes_in, bytes_out, retries, aborted, in_flight]


def _sums(cells: Sequence[memoryview], base: int) -> list[int]:
    rows = [page[base : base + _WIDTH].tolist() for page in cells]
    return [sum(column) for column in zip(*rows, strict=True)]


def _workers(cells: Sequence[memoryview]) -> list[Family]:
    refusals = _counter("refusals_total", "Answers of the gateway's own, by reason.")
    for refusal in Refusal:
        refusals.add(
            sum(page[REFUSALS + refusal] for page in cells),
            reason=refusal.label,
            status=str(refusal.status),
        )
    counts = [_total(_counter(name, text), cells, cell) for cell, name, text in _WORKER_COUNTS]
    gauges = [_total(_gauge(name, text), cells, cell) for cell, name, text in _WORKER_GAUGES]
    return [refusals, *counts, *gauges]


def _total(family: Family, cells: Sequence[memoryview], cell: int) -> Family:
    family.add(sum(page[cell] for page in cells))
    return family


def _processes(status: Status) -> list[Family]:
    workers = _gauge("workers", "Worker processes by stage.")
    for stage in Stage:
        workers.add(sum(w.stage is stage for w in status.workers), stage=stage.value)
    restarts = _counter("worker_restarts_total", "Workers that died unasked.")
    for slot, count in status.restarts.items():
        restarts.add(count, slot=str(slot))
    memory = _gauge("worker_resident_bytes", "Memory of a slot's newest worker.")
    processor = _counter("worker_cpu_seconds_total", "Processor time of a slot's newest worker.")
    for worker in {w.slot: w for w in status.workers}.values():
        memory.add(worker.resident_bytes, slot=str(worker.slot))
        processor.add(worker.cpu_seconds, slot=str(worker.slot))
    slots = _single("worker_slots", "Workers that should be serving.", status.slots)
    return [workers, slots, restarts, memory, processor]


def _tables(status: Status, reloads_refused: int) -> list[Family]:
    served = _gauge("table_version", "The table version that a slot's worker serves.")
    for worker in status.workers:
        if worker.stage is Stage.SERVING:
            served.add(worker.version, slot=str(worker.slot))
    refused = _counter("reload_refused_total", "Table versions that could not go live here.")
    refused.add(reloads_refused)
    return [
        served,
        _single("table_version_live", "The newest table version handed out.", status.version),
        refused,
        _single("lease_remaining_seconds", "Until the replica's lease ends; negative when over.",
                status.lease_remaining),
    ]  # fmt: skip


def _upstreams(status: Status) -> list[Family]:
    endpoints = _gauge("endpoint_up", "Whether the health checks of an endpoint pass.")
    for (upstream, endpoint), up in status.endpoints.items():
        endpoints.add(int(up), upstream=upstream, endpoint=endpoint)
    panic = _gauge("upstream_panic", "1 where every endpoint is down and all are used again.")
    for upstream in sorted({upstream for upstream, _ in status.endpoints}):
        panic.add(int(upstream in status.panic), upstream=upstream)
    return [endpoints, panic]


def _counter(name: str, text: str) -> Family:
    return Family(f"strangler_{name}", "counter", text)


def _gauge(name: str, text: str) -> Family:
    return Family(f"strangler_{name}", "gauge", text)


def _single(name: str, text: str, value: float, **labels: str) -> Family:
    family = _gauge(name, text)
    family.add(value, **labels)
    return family
