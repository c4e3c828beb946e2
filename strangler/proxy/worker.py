"""A worker process: one event loop that serves what the supervisor hands to it.

Started by `worker_main` with the numbers of inherited descriptors. It imports little (no control
plane, no database): its memory is multiplied by the number of cores. It lives as long as the
control channel: when the supervisor is gone, it drains and exits.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog
import uvloop

from strangler.config.model import ClientTimeouts, Table
from strangler.proxy.accesslog import AccessLog
from strangler.proxy.control import (
    Channel,
    Drain,
    Health,
    Install,
    Installed,
    Listening,
    Message,
    Ping,
    Pong,
    Quiet,
    Refused,
    ReloadTls,
    ReopenLogs,
    Start,
)
from strangler.proxy.counters import LOG_LINES_DROPPED_TOTAL, PAGE_SET_BYTES
from strangler.proxy.lease import LEASE_BYTES, Lease
from strangler.proxy.listener import BACKLOG
from strangler.proxy.memory import SharedCells
from strangler.proxy.tls import ListenerTls
from strangler.telemetry import logs

if TYPE_CHECKING:
    from strangler.proxy.server import LogRequest

log = structlog.get_logger()


class Plane(Protocol):
    """What a worker needs of the data plane (`strangler.proxy.server.DataPlane`)."""

    on_quiet: Callable[[str], None]
    log_request: LogRequest | None

    def install(self, table: Table, series: Mapping[tuple[str, str], int]) -> None:
        """Compile and swap; raises whatever is wrong with the table and changes nothing then."""

    def connection(self) -> asyncio.Protocol:
        """The protocol of a new client connection."""

    def writes_in_flight(self) -> dict[str, int]:
        """Per group; groups without any may be missing."""

    def set_health(self, upstream: str, endpoint: str, up: bool) -> None:
        """Whether an endpoint may be picked."""

    async def drain(self, timeout: float) -> None:
        """End every connection after its request in flight, or after `timeout` seconds."""

    def close(self) -> None:
        """Cut what is left."""


class PlaneFactory(Protocol):
    """How a data plane is made."""

    def __call__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        cells: memoryview,
        cookie_key: bytes,
        lease: Lease,
        log_request: LogRequest | None,
    ) -> Plane:
        """A data plane without a table."""


class Worker:
    """Carries out what the supervisor says; `run` is the process's whole life."""

    def __init__(self, plane: PlaneFactory, cells: memoryview, lease: Lease) -> None:
        self._loop = asyncio.get_running_loop()
        self._make_plane = plane
        self._cells = cells
        self._lease = lease
        self._plane: Plane | None = None
        self._channel = Channel(self._received, self._drain_soon)
        self._start: Start | None = None
        self._tls: ListenerTls | None = None
        self._log = AccessLog(self._loop, self._dropped)
        self._version = 0
        self._drain_time = ClientTimeouts().drain
        self._ready: asyncio.Future[bool] = self._loop.create_future()
        """Whether the first table could be installed."""
        self._leave: asyncio.Future[float] = self._loop.create_future()
        """Seconds that the drain may take."""

    async def run(self, control: socket.socket, listener: socket.socket) -> int:
        """Serve until told to drain; the process's exit code."""
        self._loop.add_signal_handler(signal.SIGTERM, self._drain_soon)
        # The supervisor started this process with both blocked.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
        await self._channel.open(control)
        await asyncio.wait((self._ready, self._leave), return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done():
            return 0  # told to go before there was anything to do
        if self._plane is None or not self._ready.result():
            self._channel.close()
            return 1
        await self._serve(self._plane, listener)
        self._log.close()
        self._channel.close()
        return 0

    async def _serve(self, plane: Plane, listener: socket.socket) -> None:
        server = await self._loop.create_server(
            plane.connection,
            sock=listener,
            backlog=BACKLOG,
            ssl=self._tls.context if self._tls else None,
        )
        self._send(Listening())
        timeout = await self._leave
        for _ in range(3):  # take in what has been connected already: nobody else may
            await asyncio.sleep(0)
        server.close()
        await plane.drain(timeout)
        plane.close()

    def _received(self, message: Message) -> None:
        match message:
            case Ping(sent_ns):
                self._send(Pong(sent_ns, _resident_bytes(), _cpu_seconds()))
            case Health(upstream, endpoint, up):
                if self._plane is not None:
                    self._plane.set_health(upstream, endpoint, up)
            case Install():
                self._install(message)
            case Start():
                self._begin(message)
            case Drain(timeout):
                self._drain_soon(timeout)
            case ReopenLogs():
                self._log.reopen()
            case ReloadTls(pair):
                if self._tls is not None:
                    self._tls.reload(pair)
            case _:
                raise TypeError(f"a supervisor does not say {type(message).__name__}")

    def _begin(self, start: Start) -> None:
        structlog.contextvars.bind_contextvars(slot=start.slot)
        self._start = start
        self._tls = ListenerTls(start.tls) if start.tls else None

    def _install(self, message: Install) -> None:
        table = message.table
        try:
            plane = self._plane or self._new_plane()
            plane.install(table, message.series)
        except Exception as error:
            log.exception("table_refused", version=table.version)
            self._send(Refused(table.version, f"{type(error).__name__}: {error}"))
            self._settle(installed=False)
            return
        for upstream, endpoint in message.down:
            plane.set_health(upstream, endpoint, up=False)
        self._log.configure(table.gateway.access_log)
        plane.log_request = self._log.log_request if self._log.on else None
        self._drain_time = table.gateway.timeouts.drain
        self._plane, self._version = plane, table.version
        self._send(Installed(table.version, plane.writes_in_flight()))
        self._settle(installed=True)

    def _new_plane(self) -> Plane:
        if self._start is None:
            raise RuntimeError("a table came before Start")
        plane = self._make_plane(
            self._loop,
            cells=self._cells,
            cookie_key=self._start.cookie_key,
            lease=self._lease,
            log_request=None,
        )
        plane.on_quiet = lambda group: self._send(Quiet(self._version, group))
        return plane

    def _settle(self, *, installed: bool) -> None:
        if not self._ready.done():
            self._ready.set_result(installed)
            gc.collect()
            gc.freeze()  # what is here now stays: no collection need look at it again

    def _drain_soon(self, timeout: float | None = None) -> None:
        if not self._leave.done():
            self._leave.set_result(self._drain_time if timeout is None else timeout)

    def _dropped(self, lines: int) -> None:
        self._cells[LOG_LINES_DROPPED_TOTAL] += lines

    def _send(self, message: Message) -> None:
        self._channel.send(message)


def _resident_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(arguments: Sequence[str], plane: PlaneFactory) -> int:
    """Serve with the descriptors named in `arguments`; the exit code."""
    parser = argparse.ArgumentParser(description="A worker; started by the supervisor only.")
    for name in ("control", "counters", "lease", "listen"):
        parser.add_argument(f"--{name}", type=int, required=True, help="an inherited descriptor")
    fds = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)  # a terminal's are for the supervisor, who tells us
    logs.configure()
    counters, lease = SharedCells(fds.counters, PAGE_SET_BYTES), SharedCells(fds.lease, LEASE_BYTES)
    control, listener = socket.socket(fileno=fds.control), socket.socket(fileno=fds.listen)

    async def live() -> int:
        return await Worker(plane, counters.cells, Lease(lease.cells)).run(control, listener)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(live())
