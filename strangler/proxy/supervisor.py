"""The supervisor: starts the workers, hands every table version to them, and keeps them going.

It runs in the control plane's loop and never sits in a request's way. It owns what must outlive a
worker: the listening sockets, the counters, the lease, the newest table, the certificate.
"""

from __future__ import annotations

import asyncio
import dataclasses
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import structlog

from strangler.config.model import ClientTimeouts, Table
from strangler.proxy import control
from strangler.proxy.counters import SeriesMap
from strangler.proxy.health import HealthChecker, Place
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
    Stage,
    Status,
    WorkerStatus,
)
from strangler.proxy.tls import CertificatePair, CertificateWatch, read_pair

PING_EVERY: Final = 1.0
HANGS_AFTER: Final = 30.0
"""Seconds without an answer to a ping after which a worker's loop counts as stuck."""
KILL_TIME: Final = 5.0
"""Seconds that the kernel may take to end killed workers."""
WORKER: Final = (sys.executable, "-m", "strangler.proxy.worker")

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
        self.series = SeriesMap()
        self.pages = PageSets()
        self.holder = LeaseHolder(settings.lease)
        self.refused_publications = 0
        self.pulse = Pulse()
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
            await self.pulse.until(lambda: not any(s.processes for s in self._slots), KILL_TIME)
            await self._tasks.__aexit__(None, None, None)
            self.pages.close()
            self.holder.close()

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
        self._keep(keep_lease(self.holder, self._renew))
        await self._start_all()
        self._keep(self._health.run())
        self._keep(self._ping())
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
            self._follow_certificate(previous, table)
            self._send_all(self._install())
            version = table.version
            await self.pulse.until(lambda: self._all_decided(version), timeout)
            published = self._published(version)
            if published.failures:
                self.refused_publications += 1
            if not published.acknowledgements and self._refused(version):
                self._take_back(previous, version)
            return published

    async def quiet(self, group: str, timeout: float) -> bool:
        """Wait until no living worker has a write of `group` in flight under the newest version.

        Means that they have ended only if that version fences the group.
        """
        return await self.pulse.until(
            lambda: all(
                process.version == self._version and not process.writes_in_flight.get(group)
                for process in self.processes
            ),
            timeout,
        )

    async def restart_workers(self) -> None:
        """Replace every worker, one slot after the other. Raises WorkerStartError and stops there."""
        for slot in self._slots:
            await slot.replace(self._drain_time)

    async def stop(self) -> None:
        """Let every worker drain and exit."""
        await asyncio.gather(*(slot.stop(self._drain_time) for slot in self._slots))
        self.pulse.beat()

    def kill(self) -> None:
        """End every worker at once, with its connections."""
        for slot in self._slots:
            slot.kill()

    def reopen_logs(self) -> None:
        """The access log's file was moved away: write to its path anew."""
        self._send_all(control.ReopenLogs())

    def status(self) -> Status:
        """What there is to know about this replica now."""
        now, now_ns = time.monotonic(), time.monotonic_ns()
        return Status(
            version=self._version,
            address=self.address,
            slots=len(self._slots),
            workers=tuple(_worker_status(process, now, now_ns) for process in self.processes),
            restarts={slot.number: slot.restarts for slot in self._slots},
            lease_remaining=self.holder.lease.remaining(),
            endpoints=self._health.board.states,
            panic=self._health.board.panic(),
        )

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
            lease_fd=self.holder.fd,
            take_pages=self.pages.take,
            give_pages=lambda pages: self.pages.give_back(pages, self.series.bases),
            greeting=self._greeting,
            pulse=self.pulse,
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
        return control.Install(table, self.series.assign(table), down)

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
            tuple(Failure(p.slot, p.pid, p.refusals.get(version, "no answer")) for p in others),
        )

    def _take_back(self, previous: Table, version: int) -> None:
        log.error("table_refused_by_all", version=version, stays=previous.version)
        self._table = previous
        self._health.follow(previous)
        for process in self.processes:
            process.refusals.pop(version, None)

    def _follow_certificate(self, previous: Table, table: Table) -> None:
        new = table.gateway.tls
        if (previous.gateway.tls is None) != (new is None):
            log.warning("restart_needed", setting="gateway.tls")
        elif new is not None and self._watch is not None:
            self._watch.follow(new)

    def _tell_health(self, place: Place, up: bool) -> None:
        self._send_all(control.Health(*place, up))

    def _tell_certificate(self, pair: CertificatePair) -> None:
        self._certificate = pair
        self._send_all(control.ReloadTls(pair))

    def _send_all(self, message: control.Message) -> None:
        for process in self.processes:
            process.send(message)

    async def _ping(self) -> None:
        while True:
            now = time.monotonic_ns()
            for process in self.processes:
                if now - process.pong.sent_ns > HANGS_AFTER * 1e9:
                    log.error("worker_hangs", slot=process.slot, pid=process.pid)
                    process.kill()
                process.send(control.Ping(now))
            await asyncio.sleep(PING_EVERY)


def _worker_status(process: WorkerProcess, now: float, now_ns: int) -> WorkerStatus:
    stage = Stage.SERVING if process.listening else Stage.STARTING
    return WorkerStatus(
        slot=process.slot,
        pid=process.pid,
        stage=Stage.DRAINING if process.draining else stage,
        version=process.version,
        writes_in_flight=process.writes_in_flight,
        age=now - process.started,
        silent=(now_ns - process.pong.sent_ns) / 1e9,
        resident_bytes=process.pong.resident_bytes,
        cpu_seconds=process.pong.cpu_seconds,
    )
