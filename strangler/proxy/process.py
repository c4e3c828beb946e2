"""One worker process as the supervisor sees it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from strangler.proxy.control import (
    Channel,
    Drain,
    Installed,
    Listening,
    Message,
    Ping,
    Pong,
    Quiet,
    Refused,
)
from strangler.proxy.memory import SharedCells
from strangler.proxy.status import Stage, WorkerStatus

DEFERRED: Final = (signal.SIGINT, signal.SIGTERM)
"""Blocked while a worker starts, so that its process inherits the mask and unblocks them itself."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Inheritance:
    """The descriptors that a worker process gets from the supervisor."""

    listener: socket.socket
    pages: SharedCells
    lease_fd: int


class WorkerProcess:
    """What a process last said about itself, and the ways to speak to it.

    `changed` is called whenever one of the attributes changes, the end of the process included.
    """

    def __init__(
        self,
        slot: int,
        pages: SharedCells,
        process: asyncio.subprocess.Process,
        changed: Callable[[], None],
    ) -> None:
        self.slot = slot
        self.pages = pages
        self.started = time.monotonic()
        self.listening = False
        self.draining = False
        self.version = 0
        """The table version that it serves."""
        self.writes_in_flight: Mapping[str, int] = {}
        self.refusals: dict[int, str] = {}
        """Table versions that it refused, with its reason."""
        self.pong = Pong(time.monotonic_ns(), 0, 0.0)
        """The last one."""
        self.unanswered = 0
        """Pings since then."""
        self._channel = Channel(self._received, changed)
        self._process = process
        self._changed = changed
        self._watch: asyncio.Task[int] | None = None

    @classmethod
    async def spawn(
        cls,
        command: Sequence[str],
        slot: int,
        inheritance: Inheritance,
        changed: Callable[[], None],
    ) -> WorkerProcess:
        """Start `command` with the descriptors as its options. Raises OSError."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        numbers = {
            "--control": theirs.fileno(),
            "--counters": inheritance.pages.fd,
            "--lease": inheritance.lease_fd,
            "--listen": inheritance.listener.fileno(),
        }
        options = [str(part) for option in numbers.items() for part in option]
        try:
            # Until the worker can handle signals they wait: a group's would end it half started.
            signal.pthread_sigmask(signal.SIG_BLOCK, DEFERRED)
            process = await asyncio.create_subprocess_exec(
                *command, *options, stdin=asyncio.subprocess.DEVNULL, pass_fds=numbers.values()
            )
        except BaseException:
            ours.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, DEFERRED)
            theirs.close()
        worker = cls(slot, inheritance.pages, process, changed)
        await worker._channel.open(ours)
        return worker

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it lives; negative when a signal ended it."""
        return self._process.returncode

    def status(self) -> WorkerStatus:
        """What there is to know about the process now."""
        stage = Stage.SERVING if self.listening else Stage.STARTING
        return WorkerStatus(
            slot=self.slot,
            pid=self.pid,
            stage=Stage.DRAINING if self.draining else stage,
            version=self.version,
            writes_in_flight=self.writes_in_flight,
            age=time.monotonic() - self.started,
            silent=(time.monotonic_ns() - self.pong.sent_ns) / 1e9,
            resident_bytes=self.pong.resident_bytes,
            cpu_seconds=self.pong.cpu_seconds,
        )

    def send(self, message: Message) -> None:
        """Send a message; lost if the process is dying, which its end will tell."""
        self._channel.send(message)

    def send_frame(self, frame: bytes) -> None:
        """As `send`, for a message that was encoded already."""
        self._channel.send_frame(frame)

    def ping(self) -> None:
        """Ask whether its loop still turns."""
        self.unanswered += 1
        self.send(Ping(time.monotonic_ns()))

    def drain(self, timeout: float) -> None:
        """Let it accept no more, finish what is in flight and exit."""
        self.draining = True
        self.send(Drain(timeout))
        self._changed()

    def kill(self) -> None:
        """End it at once, with its connections."""
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)

    def watch(self, ended: Callable[[], None]) -> None:
        """Call `ended` once, when the process has ended."""
        self._watch = asyncio.get_running_loop().create_task(self._process.wait())
        self._watch.add_done_callback(lambda _: self._end(ended))

    async def wait(self) -> int:
        """Its exit code, when it has ended."""
        return await self._process.wait()

    async def end(self, timeout: float) -> None:
        """Wait for its end; kill it if that takes longer than `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self.wait()
        except TimeoutError:
            log.warning("worker_killed", slot=self.slot, pid=self.pid, reason="drain took too long")
            self.kill()
            await self.wait()

    def _end(self, ended: Callable[[], None]) -> None:
        self._channel.close()
        ended()

    def _received(self, message: Message) -> None:
        match message:
            case Listening():
                self.listening = True
            case Installed():
                self.version = message.version
                self.writes_in_flight = dict(message.writes_in_flight)
            case Refused():
                self.refusals[message.version] = message.error
            case Quiet():
                if message.version == self.version:
                    self.writes_in_flight = {**self.writes_in_flight, message.group: 0}
            case Pong():
                self.pong, self.unanswered = message, 0
            case _:
                raise TypeError(f"a worker does not say {type(message).__name__}")
        self._changed()
