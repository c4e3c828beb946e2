"""Runs the cases of a comparison, round after round."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import runner, stats
from bench.against import counting, gateway, relaying
from bench.against.builds import Side
from bench.against.verdict import Compared
from bench.cases.base import Context
from bench.processes import Cores
from bench.relay.checksum import WrongAnswerError
from bench.relay.topics import NothingComesError
from bench.results import Failure, Results
from bench.upstreams import start_upstreams

CASES = (*gateway.STEPS, *relaying.CASES)
_EXPECTED = (*runner.EXPECTED, WrongAnswerError, NothingComesError)


@dataclass(slots=True)
class Comparison:
    """One run."""

    sides: Sequence[Side]
    """What is compared with, and what is compared."""
    rounds: int
    results: Results
    progress: Callable[[str], None]
    quick: bool = False
    instructions: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Case -> of one request, of either side."""

    def run(self, cases: Sequence[str], folder: Path) -> None:
        """Every case that was asked for; one that fails or is skipped leaves its reason."""
        requests = [case for case in cases if case in gateway.STEPS]
        if requests and not self._skipped(requests, gateway.absent()):
            with self._noting(requests):
                self._gateway(requests, folder)
        changes = [case for case in cases if case in relaying.CASES]
        if changes and not self._skipped(changes, relaying.absent()):
            with self._noting(changes):
                self._relay(folder)

    def compared(self, cases: Sequence[str]) -> list[Compared]:
        """What came out, of the cases with figures that were asked for."""
        found = []
        for case in cases:
            base, this = (self.results.series(case, side.name, "cpu_us") for side in self.sides)
            if ratios := stats.ratios(this, base):
                medians = [stats.median(list(each.values())) for each in (base, this)]
                found.append(Compared(case, *medians, ratios, self.instructions.get(case)))
        return found

    def _gateway(self, cases: Sequence[str], folder: Path) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        cores = Cores.of_this_machine()
        with ExitStack() as stack:
            context = Context(start_upstreams(stack, cores, folder), cores, folder, quick=True)
            for number in range(self.rounds):
                for case in self._sound(cases):
                    self.progress(f"round {number + 1}/{self.rounds}: {case}")
                    with self._noting([case]):
                        gateway.measure(case, self.sides, context, self.results, number)
            self._count(cases, context)

    def _count(self, cases: Sequence[str], context: Context) -> None:
        counter, how = counting.available()
        self.results.settings = {**self.results.settings, "Instructions": how}
        if counter is None:
            return
        for case in self._sound(cases):
            self.progress(f"counting instructions: {case}")
            with self._noting([case]):
                base, this = (gateway.count(case, side, context, counter) for side in self.sides)
                self.instructions[case] = base, this

    def _relay(self, folder: Path) -> None:
        with relaying.pipes(self.sides, folder, relaying.size(quick=self.quick)) as pipes:
            for number in range(self.rounds):
                if self._sound(relaying.CASES):
                    self.progress(f"round {number + 1}/{self.rounds}: {', '.join(relaying.CASES)}")
                    with self._noting(relaying.CASES):
                        pipes.measure(self.sides, self.results, number)

    def _sound(self, cases: Sequence[str]) -> list[str]:
        """Those that have not failed: what fails once is not tried again."""
        failed = {failure.case for failure in self.results.failures}
        return [case for case in cases if case not in failed]

    def _skipped(self, cases: Sequence[str], reason: str | None) -> bool:
        if reason is not None:
            self.results.skipped = {**self.results.skipped, **dict.fromkeys(cases, reason)}
        return reason is not None

    @contextmanager
    def _noting(self, cases: Sequence[str]) -> Iterator[None]:
        """An expected failure is noted for these cases, and the others go on."""
        try:
            yield
        except _EXPECTED as error:
            reason = f"{type(error).__name__}: {error}"
            self.progress(f"{', '.join(cases)}: {reason}")
            self.results.failures.extend(Failure(case, "", reason) for case in cases)
