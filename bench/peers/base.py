"""What the benchmark asks of a proxy: start it for a setup, and know its processes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench import procfs
from bench.processes import Child, Cores
from bench.setup import Setup


@dataclass(frozen=True, slots=True)
class Running:
    """A started proxy."""

    child: Child
    workers: Callable[[], list[int]]
    """Ids of the processes that carry traffic."""
    tls: bool = False

    @property
    def port(self) -> int:
        return self.child.port

    def control(self) -> list[int]:
        """Ids of the processes that carry none (master, supervisor)."""
        carriers = set(self.workers())
        return [pid for pid in self.child.tree() if pid not in carriers]

    def rss(self) -> int:
        """Bytes resident in the process that carries most."""
        return max(procfs.rss(pid) for pid in self.workers())

    def pss(self) -> int:
        """Likewise, with shared pages divided among their users."""
        return max(procfs.pss(pid) for pid in self.workers())


class Peer(Protocol):
    """One kind of proxy."""

    @property
    def name(self) -> str:
        """As on the command line and in the report."""

    def absent(self) -> str | None:
        """Why it cannot be started here; None if it can."""

    def version(self) -> str:
        """Its own words, one line."""

    def start(self, setup: Setup, cores: Cores, folder: Path) -> Running:
        """Start it on the proxy's core with its files in `folder`. Raises StartError."""


def one_process(child: Child) -> Running:
    """A proxy that is one process."""
    return Running(child, lambda: [child.pid])


def master_and_workers(child: Child) -> Running:
    """A proxy whose root process only looks after the others."""
    return Running(child, lambda: child.tree()[1:])


def first_line(*command: str) -> str:
    """The first line with text that a command prints on either stream."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return next((line.strip() for line in (done.stdout + done.stderr).splitlines() if line), "")
