"""What a case is: a setup, and something measured on a proxy that runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.peers.base import Running
from bench.processes import Cores
from bench.setup import Setup
from bench.upstreams import Upstreams


@dataclass(frozen=True, slots=True)
class Context:
    """What every case may use."""

    upstreams: Upstreams
    cores: Cores
    folder: Path
    quick: bool

    @property
    def seconds(self) -> float:
        """Length of one closed-loop load."""
        return 1.0 if self.quick else 2.0

    def one_route(self) -> Setup:
        return Setup("one", 1, canary=False, old=self.upstreams.old, new=self.upstreams.new)

    def hundred_routes(self) -> Setup:
        return Setup("hundred", 100, canary=False, old=self.upstreams.old, new=self.upstreams.new)

    def core_path(self) -> Setup:
        """100 routes, each with a sticky 10 % canary."""
        return Setup("canary", 100, canary=True, old=self.upstreams.old, new=self.upstreams.new)

    def bodies(self) -> Setup:
        """One route to the source and sink of long bodies."""
        return Setup("bodies", 1, canary=False, old=self.upstreams.sink, new=self.upstreams.new)


@dataclass(frozen=True, slots=True)
class Case:
    """Cases with the same setup share one started proxy, unless they need it fresh."""

    name: str
    setup: Callable[[Context], Setup]
    measure: Callable[[Running, Setup, Context], Mapping[str, float]]
    """The metrics (see `bench.results.Sample`). Raises WrongAnswerError, LoadError or OSError."""
    most_rounds: int = 100
    """More rounds than this show nothing new (memory hardly varies)."""
    fresh: bool = False
    """Measured alone on a process that has served nothing before."""
