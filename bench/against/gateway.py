"""The gateway's cases: CPU time and instructions of a request."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from bench import requests, runner
from bench.against import counting, rounds
from bench.against.builds import Side
from bench.cases import features
from bench.cases.base import Context
from bench.cases.closed import load, small_answers
from bench.peers.base import Running
from bench.peers.strangler import Strangler
from bench.results import Results, Sample
from bench.setup import SIDE_BYTES, Setup

_STEPS = {step.name: step for step in features.STEPS}
STEPS: Mapping[str, features.Step] = {
    "canary": _STEPS[features.CORE],
    "everything": _STEPS[features.EVERYTHING],
}
"""Name of the case -> the configuration that `bench.cases.features` prices too."""

COUNTED = 1000
"""Requests whose instructions are counted; each has been answered once before."""


@dataclass(slots=True)
class _Started:
    """A side that runs, warm, and what it was asked in this round."""

    running: Running
    cookies: Sequence[str]
    requests: int = field(default=0, init=False)
    cpu_us: float = field(default=0.0, init=False)

    def load(self, setup: Setup, context: Context) -> None:
        """One load, counted."""
        sent = requests.gets(setup, self.cookies)
        figures, values = load(self.running, sent, SIDE_BYTES, context)
        self.requests += figures.requests
        self.cpu_us += values["cpu_us"] * figures.requests


def measure(
    case: str, sides: Sequence[Side], context: Context, results: Results, number: int
) -> None:
    """One round of a case: both sides started anew, each warmed, loaded twice.

    Raises what `bench.runner.EXPECTED` lists.
    """
    step = STEPS[case]
    with ExitStack() as stack:
        there = {
            side.name: stack.enter_context(_warm(side, step, context, number))
            for side in rounds.order(sides, number)
        }
        for side in rounds.loads(sides, number):
            there[side.name].load(step.setup(context), _of(side, context))
    for name, one in there.items():
        values = {"cpu_us": one.cpu_us / one.requests}
        results.samples.append(Sample(case, name, number, values))


@contextmanager
def _warm(side: Side, step: features.Step, context: Context, number: int) -> Iterator[_Started]:
    """A side that has shown that its answers are right, under a load that does not count."""
    setup, own = step.setup(context), _of(side, context)
    with runner.started(peer(side, step, seed=number), setup, own) as running:
        cookies = features.cookies_for(step.features, running, setup)
        small_answers(running, setup, own, cookies)
        yield _Started(running, cookies)


def count(case: str, side: Side, context: Context, counter: counting.Counter) -> float:
    """Instructions of one request. Raises as `measure` does."""
    step, own = STEPS[case], _of(side, context)
    setup = step.setup(own)
    observed = replace(
        peer(side, step, seed=0), under=counter.under(own.folder), start_limit=counter.start_limit
    )
    with runner.started(observed, setup, own) as running:
        cookies = features.cookies_for(step.features, running, setup)
        file = own.folder / "requests"
        requests.write(requests.gets(setup, cookies[:COUNTED]), file)
        return counter.count(running, file, own.folder)


def peer(side: Side, step: features.Step, *, seed: int) -> Strangler:
    """The gateway of a side. The seed is a round's, so that luck with hashes falls on both."""
    return Strangler(side.name, step.features, side.command, env=side.env(seed))


def _of(side: Side, context: Context) -> Context:
    """The context with a folder of the side's own, of the same length for both."""
    folder = context.folder / side.name
    folder.mkdir(exist_ok=True)
    return replace(context, folder=folder)


def absent() -> str | None:
    """Why these cases cannot be measured here; None if they can."""
    missing = [name for name in ("nginx", "wrk", "taskset") if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else None
