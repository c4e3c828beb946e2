"""Starting processes on a core of their own, and ending every one of them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from bench import procfs

START_LIMIT = 20.0
"""Seconds a process may take to listen."""
STOP_LIMIT = 5.0
"""Seconds a process may take to end after SIGTERM, before it is killed."""


class StartError(Exception):
    """A process ended, or did not listen in time; the message carries the end of its output."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where: the proxy alone on one core, load and upstream on the others."""

    proxy: frozenset[int]
    load: frozenset[int]

    @classmethod
    def of_this_machine(cls) -> Cores:
        """The last usable core for the proxy. Raises StartError on a machine with one core."""
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) < 2:
            raise StartError("two cores are needed: one for the proxy, one for the load")
        return cls(frozenset(usable[-1:]), frozenset(usable[:-1]))


@dataclass(slots=True)
class Child:
    """A running process with all that it started. A context manager that ends all of it."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    port: int
    """Where it listens on 127.0.0.1."""
    ended: bool = field(default=False, init=False)

    @property
    def pid(self) -> int:
        return self.process.pid

    def tree(self) -> list[int]:
        """Process ids, the root first."""
        return procfs.tree(self.pid)

    def wait_until_it_listens(self, within: float = START_LIMIT) -> None:
        """Return when its port accepts. Raises StartError."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if (code := self.process.poll()) is not None:
                raise StartError(f"{self.name} ended with {code}: {self.last_words()}")
            if accepts(self.port):
                return
            time.sleep(0.02)
        raise StartError(f"{self.name} does not listen: {self.last_words()}")

    def last_words(self) -> str:
        """The end of what the process printed."""
        return self.output.read_text(errors="replace")[-300:].strip()

    def stop(self) -> None:
        """End the whole tree: SIGTERM to the root, SIGKILL to what is left."""
        if self.ended:
            return
        self.ended = True
        pids = self.tree()
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in filter(procfs.alive, pids):
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + STOP_LIMIT
        while any(map(procfs.alive, pids)) and time.monotonic() < deadline:
            time.sleep(0.005)  # not our children: there is nothing to wait on

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    port: int,
    cores: frozenset[int],
    folder: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    within: float = START_LIMIT,
) -> Child:
    """Start `command` pinned to `cores`, its output in `folder`, and wait for its port.

    `within`: seconds that it may take. Raises StartError; nothing is left running then.
    """
    output = folder / f"{name}.out"
    pinned = ["taskset", "-c", ",".join(map(str, sorted(cores))), *command]
    with output.open("wb") as sink:
        try:
            process = subprocess.Popen(
                pinned,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,  # Ctrl-C reaches the harness alone, which then ends them
            )
        except OSError as error:
            raise StartError(f"{name}: {error}") from error
    child = Child(name, process, output, port)
    try:
        child.wait_until_it_listens(within)
    except BaseException:
        child.stop()
        raise
    return child


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Whether something listens on 127.0.0.1:`port`."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
