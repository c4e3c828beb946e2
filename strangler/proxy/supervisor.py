"""The supervisor: starts the workers, hands every table version to them, and keeps them going.

It runs in the control plane's loop and never sits in a request's way. It owns what must outlive a
worker: the listening sockets, the counters, the lease, the newest table, the certificate.
"""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import structlog

from strangler.config.model import ClientTimeouts, Table
from strangler.proxy import control, metrics
from strangler.proxy.counters import SeriesMap
from strangler.proxy.health import HealthChecker, Place
from strangler.proxy.heartbeat import watch_loops
from strangler.proxy.lease import LeaseHolder, keep_lease, no_renewal
from strangler.proxy.listener import bind_listeners
from strangler.proxy.pages import PageSets
from strangler.proxy.process import WorkerProcess
from strangler.proxy.pulse import Pulse
from strangler.proxy.slot import Crew, Slot
from strangler.proxy.status import (
    Acknowledgement,
    Failure,
    Published,
    Status,
)
from strangler.proxy.tls import CertificatePair, CertificateWatch, read_pair
from strangler.telemetry.prometheus import Family

KILL_TIME: Final = 5.0
"""Seconds that the kernel may take to end killed workers."""
WORKER: Final = (sys.executable, "-m", "strangler.proxy.worker_main")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Settings:
    """How a gateway's processes are run."""

    listen: str
    """HOST:PORT; port 0 picks a free one, see `Supervisor.address`."""
    workers: int
    cookie_key: bytes = dataclasses.field(repr=False)
    """Signs the gateway's identity cookie; the same on every replica."""
    lease: float = 15.0
    """Seconds a renewal is good for."""
    start_timeout: float = 30.0
    """Seconds until a worker must accept connections."""
    command: Sequence[str] = WORKER


class Supervisor:
    """The gateway's processes. Use as `async with`, then `start`; leaving the block drains.

    `renew` confirms the replica's lease with the store; it raises when the store did not.
    """

    def __init__(
        self, settings: Settings, *, renew: Callable[[], Awaitable[None]] = no_renewal
    ) -> None:
        self._settings = settings
        self._renew = renew
        self.address = settings.listen
        """HOST:PORT that is listened on, known after `start`."""
        self._series = SeriesMap()
        self._pages = PageSets()
        self._lease = LeaseHolder(settings.lease)
        self.reloads_refused = 0
        """Table versions that could not go live here; those that never got this far too."""
        self._pulse = Pulse()
        self._health = HealthChecker(self._tell_health)
        self._table: Table | None = None
        self._certificate: CertificatePair | None = None
        self._watch: CertificateWatch | None = None
        self._slots: list[Slot] = []
        self._publishing = asyncio.Lock()
        self._tasks = asyncio.TaskGroup()
        self._background: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        try:
            await self.stop()
        finally:
            for task in self._background:
                task.cancel()
            self.kill()
            await self._pulse.until(lambda: not any(s.processes for s in self._slots), KILL_TIME)
            await self._tasks.__aexit__(None, None, None)
            self._pages.close()
            self._lease.close()

    @property
    def processes(self) -> list[WorkerProcess]:
        """All that live, by slot; draining ones too."""
        living = [p for slot in self._slots for p in slot.processes if p.exit_code is None]
        return sorted(living, key=lambda process: (process.slot, process.started))

    async def start(self, table: Table) -> Published:
        """Bind, start every worker with `table`, and wait until all accept connections.

        Raises OSError if the address cannot be had, CertificateError for unusable TLS files,
        WorkerStartError if a worker does not come up: a bad first table starts nothing.
        """
        self._table = table
        if table.gateway.tls is not None:
            self._certificate = read_pair(table.gateway.tls)
            self._watch = CertificateWatch(table.gateway.tls, self._tell_certificate)
        self._health.follow(table)
        self._bind()
        self._keep(keep_lease(self._lease, self._renew))
        await self._start_all()
        self._keep(self._health.run())
        self._keep(watch_loops(lambda: self.processes))
        if self._watch is not None:
            self._keep(self._watch.run())
        log.info("gateway_started", address=self.address, workers=len(self._slots))
        return self._published(table.version)

    async def publish(self, table: Table, timeout: float = 10.0) -> Published:
        """Hand `table` to every worker; returns when each has taken or refused it, or in time.

        A worker that starts meanwhile or later gets it as its first. If no worker could take it,
        the table before stays. Raises ValueError unless the version is new.
        """
        async with self._publishing:
            previous = self._table
            if previous is None or table.version <= previous.version:
                raise ValueError(f"version {table.version} does not follow the one served")
            self._table = table
            self._health.follow(table)
            self._follow_certificate(table)
            # Once for all workers and beside the loop: a large table takes a quarter of a second.
            frame = await asyncio.to_thread(control.encode, self._install())
            for process in self.processes:
                process.send_frame(frame)
            version = table.version
            await self._pulse.until(lambda: self._all_decided(version), timeout)
            published = self._published(version)
            if self._refused(version):
                self.reloads_refused += 1
            if not published.acknowledgements and self._refused(version):
                self._take_back(previous, version)
            return published

    async def quiet(self, group: str, timeout: float) -> bool:
        """Wait until no living worker has a write of `group` in flight under the newest version.

        Means that they have ended only if that version fences the group.
        """
        return await self._pulse.until(
            lambda: all(
                process.version == self._version and not process.writes_in_flight.get(group)
                for process in self.processes
            ),
            timeout,
        )

    async def restart_workers(self) -> None:
        """Replace every worker, slot by slot. Stops at the first WorkerStartError and raises it."""
        for slot in self._slots:
            await slot.replace(self._drain_time)

    def leave(self) -> None:
        """From now on workers may end: systemd and shells signal a whole group, so those too."""
        for slot in self._slots:
            slot.leave()
        self._pulse.beat()

    async def stop(self) -> None:
        """Let every worker drain and exit."""
        await asyncio.gather(*(slot.stop(self._drain_time) for slot in self._slots))
        self._pulse.beat()

    def kill(self) -> None:
        """End every worker at once, with its connections."""
        for slot in self._slots:
            slot.kill()

    def reopen_logs(self) -> None:
        """The access log's file was moved away: write to its path anew."""
        self._send_all(control.ReopenLogs())

    def status(self) -> Status:
        """What there is to know about this replica now."""
        return Status(
            version=self._version,
            address=self.address,
            slots=len(self._slots),
            workers=tuple(process.status() for process in self.processes),
            restarts={slot.number: slot.restarts for slot in self._slots},
            lease_remaining=self._lease.lease.remaining(),
            endpoints=self._health.board.states,
            panic=self._health.board.panic(),
        )

    def metrics(self, version: str) -> list[Family]:
        """Every metric of this gateway; `version` is the program's."""
        return [
            *metrics.traffic(self._pages.cells, self._series.bases),
            *metrics.gateway(self.status(), reloads_refused=self.reloads_refused, version=version),
        ]

    @property
    def _version(self) -> int:
        return self._table.version if self._table is not None else 0

    @property
    def _drain_time(self) -> float:
        timeouts = self._table.gateway.timeouts if self._table is not None else ClientTimeouts()
        return timeouts.drain

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        self._background.append(self._tasks.create_task(work))

    async def _start_all(self) -> None:
        starts = [slot.start() for slot in self._slots]
        for failure in await asyncio.gather(*starts, return_exceptions=True):
            if isinstance(failure, BaseException):
                raise failure
        for slot in self._slots:
            self._keep(slot.keep())

    def _bind(self) -> None:
        sockets = bind_listeners(self._settings.listen, self._settings.workers)
        host, port = sockets[0].getsockname()[:2]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        crew = Crew(
            command=self._settings.command,
            lease_fd=self._lease.fd,
            take_pages=self._pages.take,
            give_pages=lambda pages: self._pages.give_back(pages, self._series.bases),
            greeting=self._greeting,
            pulse=self._pulse,
            start_timeout=self._settings.start_timeout,
        )
        self._slots = [Slot(number, sock, crew) for number, sock in enumerate(sockets)]

    def _greeting(self, slot: int) -> list[control.Message]:
        start = control.Start(slot, self._settings.cookie_key, self._certificate)
        return [start, self._install()]

    def _install(self) -> control.Install:
        assert self._table is not None
        table = dataclasses.replace(self._table, sections={})
        down = tuple(sorted(self._health.board.left_out()))
        return control.Install(table, self._series.assign(table), down)

    def _all_decided(self, version: int) -> bool:
        return all(p.version == version or version in p.refusals for p in self.processes)

    def _refused(self, version: int) -> bool:
        return any(version in process.refusals for process in self.processes)

    def _published(self, version: int) -> Published:
        served = [p for p in self.processes if p.version == version]
        others = [p for p in self.processes if p.version != version]
        return Published(
            version,
            tuple(Acknowledgement(p.slot, p.pid, version, p.writes_in_flight) for p in served),
            tuple(
                Failure(p.slot, p.pid, p.refusals.get(version, "no answer"), version in p.refusals)
                for p in others
            ),
        )

    def _take_back(self, previous: Table, version: int) -> None:
        log.error("table_refused_by_all", version=version, stays=previous.version)
        self._table = previous
        self._health.follow(previous)
        for process in self.processes:
            process.refusals.pop(version, None)

    def _follow_certificate(self, table: Table) -> None:
        """Other files of a listener with TLS; switching TLS on or off needs a restart."""
        if table.gateway.tls is not None and self._watch is not None:
            self._watch.follow(table.gateway.tls)

    def _tell_health(self, place: Place, up: bool) -> None:
        self._send_all(control.Health(*place, up))

    def _tell_certificate(self, pair: CertificatePair) -> None:
        self._certificate = pair
        self._send_all(control.ReloadTls(pair))

    def _send_all(self, message: control.Message) -> None:
        for process in self.processes:
            process.send(message)
