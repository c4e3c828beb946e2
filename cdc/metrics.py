"""A process's counters for Prometheus, at `--metrics HOST:PORT`.

Every number of a counters record is a metric by its name, labelled with the stream; the fields'
docstrings are in docs/operations.md. Off unless asked for: nothing listens by default.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_GAUGES: Final = frozenset(
    {
        "lag_ms",
        "retained",
        "waiting",
        "parked",
        "committed_ms",
        "ignored",
        "dead_keys",
        "marker_seq",
        "per_second",
    }
)
"""What may fall again; everything else only grows."""


class _Collector:
    """Reads a counters record whenever it is asked."""

    def __init__(self, role: str, stream: str, counters: Any) -> None:
        self._role, self._stream, self._counters = role, stream, counters

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for field in dataclasses.fields(self._counters):
            value = getattr(self._counters, field.name)
            if not isinstance(value, int):
                continue
            family = GaugeMetricFamily if field.name in _GAUGES else CounterMetricFamily
            name = f"strangler_{self._role}_{field.name}"
            metric = family(name, field.name.replace("_", " "), labels=["stream"])
            metric.add_metric([self._stream], value)
            yield metric


def host_and_port(address: str) -> tuple[str, int]:
    """Where to serve: `9901`, `:9901` and `[::1]:9901` are understood, too.

    Raises `ValueError` with a sentence for what is no HOST:PORT.
    """
    host, _, port = address.rpartition(":")
    if not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        raise ValueError(f"metrics cannot be served at {address}: it is no HOST:PORT")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


@contextmanager
def exposed(address: str | None, role: str, stream: str, counters: Any) -> Iterator[None]:
    """Serve the counters while the block runs; nothing without an address.

    Raises `OSError` where nothing can listen there, `ValueError` as `host_and_port` does.
    """
    if address is None:
        yield
        return
    from prometheus_client import CollectorRegistry, start_http_server

    host, port = host_and_port(address)
    registry = CollectorRegistry()
    registry.register(_Collector(role, stream, counters))
    server, thread = start_http_server(port, addr=host, registry=registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5.0)
