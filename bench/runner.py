"""Runs the cases: every peer in turn for each setup, round after round."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.cases.base import Case, Context
from bench.peers.base import Peer, Running
from bench.processes import StartError
from bench.results import Failure, Results, Sample
from bench.setup import Setup
from bench.verify import WrongAnswerError
from bench.wrk import LoadError

EXPECTED = (StartError, WrongAnswerError, LoadError, OSError, subprocess.TimeoutExpired)
"""What ends a case without ending the run; it is reported."""


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that are measured one after another on one started proxy."""

    setup: Setup
    cases: tuple[Case, ...]
    most_rounds: int


def groups(cases: Iterable[Case], context: Context) -> list[Group]:
    """Put together what can share a process."""
    shared: dict[Setup, list[Case]] = {}
    alone: list[Group] = []
    for case in cases:
        setup = case.setup(context)
        if case.fresh:
            alone.append(Group(setup, (case,), case.most_rounds))
        else:
            shared.setdefault(setup, []).append(case)
    together = [Group(s, tuple(c), max(x.most_rounds for x in c)) for s, c in shared.items()]
    return together + alone


def run(
    cases: Iterable[Case],
    peers: Sequence[Peer],
    context: Context,
    results: Results,
    rounds: int,
    progress: Callable[[str], None],
) -> None:
    """Fill `results`; a failing case of a peer is noted and the rest goes on."""
    plan = groups(cases, context)
    for number in range(rounds):
        for group in plan:
            if number >= group.most_rounds:
                continue
            for peer in peers:
                progress(f"round {number + 1}/{rounds}: {group.setup.name}: {peer.name}")
                _measure(group, peer, context, results, number)


def _measure(group: Group, peer: Peer, context: Context, results: Results, number: int) -> None:
    try:
        with started(peer, group.setup, context) as running:
            for case in group.cases:
                with noting(results, case.name, peer.name):
                    values = case.measure(running, group.setup, context)
                    results.samples.append(Sample(case.name, peer.name, number, values))
    except StartError as error:
        for case in group.cases:
            results.failures.append(Failure(case.name, peer.name, str(error)))


@contextmanager
def started(peer: Peer, setup: Setup, context: Context) -> Iterator[Running]:
    """A proxy that runs for the length of a block. Raises StartError."""
    running = peer.start(setup, context.cores, context.folder)
    with running.child:
        yield running


@contextmanager
def noting(results: Results, case: str, peer: str) -> Iterator[None]:
    """An expected failure becomes a line of the report."""
    try:
        yield
    except EXPECTED as error:
        results.failures.append(Failure(case, peer, f"{type(error).__name__}: {error}"))
