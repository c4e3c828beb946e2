"""What the supervisor knows, as `status` asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

import structlog

from strangler.admin.failures import Failure, Kind
from strangler.admin.publisher import Refusals
from strangler.admin.status import EndpointHealth, Refusal, Worker
from strangler.config.model import Table
from strangler.proxy.slot import WorkerStartError
from strangler.proxy.status import Stage
from strangler.proxy.supervisor import Supervisor
from strangler.proxy.tls import CertificateError
from strangler.telemetry import prometheus

_REQUESTS = "strangler_requests_total"
_VERSION = version("strangler")

log = structlog.get_logger()


class SupervisorRuntime:
    """A `Runtime` on the running processes."""

    def __init__(self, supervisor: Supervisor, refusals: Refusals) -> None:
        self._supervisor = supervisor
        self._refusals = refusals
        self._table: Table | None = None
        self._before: Mapping[tuple[str, str], int] = {}
        """What had been counted when the table that is served now was handed out."""

    async def start(self, table: Table) -> None:
        """Start the workers with the first table; raises `Failure` if that cannot be."""
        try:
            await self._supervisor.start(table)
        except (OSError, ValueError) as error:
            address = self._supervisor.address
            raise Failure(Kind.REFUSED, f"cannot listen on {address}: {error}") from error
        except (CertificateError, WorkerStartError) as error:
            raise Failure(Kind.REFUSED, str(error)) from error
        self._table = table

    async def publish(self, table: Table) -> tuple[str, ...]:
        """Hand a table to the workers; why some refused it.

        One that does not answer is no refusal: it takes the table when it can, and `status` shows
        that it is behind.
        """
        before = self._counted()
        published = await self._supervisor.publish(table)
        if published.acknowledgements:
            self._table, self._before = table, before
        for each in published.failures:
            if not each.refused:
                log.warning("worker_late", slot=each.slot, pid=each.pid, version=table.version)
        return tuple(f"worker {e.slot}: {e.reason}" for e in published.failures if e.refused)

    def ready(self) -> bool:
        """Whether any worker takes requests."""
        return any(each.stage is Stage.SERVING for each in self._supervisor.status().workers)

    def served(self) -> tuple[int, ...]:
        """The table version of each worker that takes or will take requests."""
        workers = self._supervisor.status().workers
        return tuple(each.version for each in workers if each.stage is not Stage.DRAINING)

    def workers(self) -> Sequence[Worker]:
        """The worker processes, by slot."""
        status = self._supervisor.status()
        return [
            Worker(
                each.slot, each.pid, each.version, status.restarts.get(each.slot, 0), each.silent
            )
            for each in status.workers
        ]

    def endpoints(self) -> Sequence[EndpointHealth]:
        """The endpoints of every upstream of the table that is served."""
        checked = self._supervisor.status().endpoints
        upstreams = self._table.upstreams.values() if self._table else ()
        return [
            EndpointHealth(
                upstream.name,
                str(endpoint),
                up=checked.get((upstream.name, str(endpoint)), True),
                checked=(upstream.name, str(endpoint)) in checked,
            )
            for upstream in upstreams
            for endpoint in upstream.endpoints
        ]

    def since(self) -> int:
        """The table version that is served, from which on `requests` counts."""
        return self._table.version if self._table else 0

    def requests(self) -> Mapping[tuple[str, str], int]:
        """Requests answered under the table that is served now, by route and upstream."""
        counted = self._counted()
        return {pair: count - self._before.get(pair, 0) for pair, count in counted.items()}

    def _counted(self) -> Mapping[tuple[str, str], int]:
        """Those since the start."""
        counts: dict[tuple[str, str], int] = {}
        for family in self._supervisor.metrics(_VERSION):
            if family.name == _REQUESTS:
                for sample in family.samples:
                    labels = dict(sample.labels)
                    pair = (labels["route"], labels["upstream"])
                    counts[pair] = counts.get(pair, 0) + int(sample.value)
        return counts

    def refusal(self) -> Refusal | None:
        """The last refused table that still waits to be mended."""
        return self._refusals.last

    def metrics(self) -> str:
        """The metrics of this replica, as Prometheus reads them.

        Files are refused here, before the supervisor sees any table, so the count is handed to it.
        """
        self._supervisor.reloads_refused = self._refusals.count
        return prometheus.render(self._supervisor.metrics(_VERSION))
