"""What each feature of ours costs: the gateway with them switched on one by one.

The first three steps build the core path; each further feature is added to it alone, then all
together. Steps alternate within a round like peers do, and a cost is a difference in one round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bench import requests
from bench.cases.base import Context
from bench.cases.closed import small_answers
from bench.peers.base import Running
from bench.peers.strangler import Features, Strangler
from bench.results import Results, Sample
from bench.runner import noting, started
from bench.setup import REQUESTS, Setup
from bench.verify import signed_cookies

CASE = "features"
CORE = "core path: and a sticky 10 % canary"
EVERYTHING = "all of these but log and TLS"
MOST_ROUNDS = 3
SIGNED = REQUESTS
"""Identities that are asked of the gateway before a load with its own cookie: with fewer, chance
alone would now and then bring the canary's share outside of what `bench.verify` tolerates."""


PLAIN = Features()


@dataclass(frozen=True, slots=True)
class Step:
    """One configuration, and the step its cost is the difference to."""

    name: str
    over: str | None
    setup: Callable[[Context], Setup]
    features: Features = PLAIN


STEPS = (
    Step("1 route", None, Context.one_route),
    Step("100 routes", "1 route", Context.hundred_routes),
    Step(CORE, "100 routes", Context.core_path),
    Step("identity: own signed cookie", CORE, Context.core_path, Features(signed_cookie=True)),
    Step("response header (route_header)", CORE, Context.core_path, Features(route_header=True)),
    Step("header rules both ways", CORE, Context.core_path, Features(header_rules=True)),
    Step("rewrite (strip_prefix)", CORE, Context.core_path, Features(rewrite=True)),
    Step(
        EVERYTHING,
        CORE,
        Context.core_path,
        Features(signed_cookie=True, route_header=True, header_rules=True, rewrite=True),
    ),
    Step("access log (JSON lines)", CORE, Context.core_path, Features(access_log=True)),
)
TLS = Step("TLS on the listener", CORE, Context.core_path)


def run(context: Context, results: Results, rounds: int, progress: Callable[[str], None]) -> None:
    """Fill `results`: case `features`, the step's name in the place of a peer's."""
    steps = [*STEPS, *_tls_step(context.folder)]
    for number in range(min(rounds, MOST_ROUNDS)):
        for step in steps:
            progress(f"features, round {number + 1}: {step.name}")
            with noting(results, CASE, step.name):
                results.samples.append(Sample(CASE, step.name, number, _measure(step, context)))


def _measure(step: Step, context: Context) -> dict[str, float]:
    setup = step.setup(context)
    with started(Strangler(features=step.features), setup, context) as running:
        cookies = cookies_for(step.features, running, setup)
        return dict(small_answers(running, setup, context, cookies))


def cookies_for(features: Features, running: Running, setup: Setup) -> Sequence[str]:
    """The Cookie headers of a load's requests, by whoever issues the identities."""
    if features.signed_cookie:
        return signed_cookies(running, setup, SIGNED)
    return requests.identities()


def _tls_step(folder: Path) -> list[Step]:
    """The step with TLS, where the library that makes certificates is there."""
    with suppress(ImportError):
        import trustme

        certificate = folder / "listener.pem"
        issued = trustme.CA().issue_cert("127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
        return [replace(TLS, features=Features(certificate=certificate))]
    return []
