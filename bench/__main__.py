"""`python -m bench`: run the cases and write the report."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from bench import machine, page, report, runner
from bench.cases import CASES, features, stream
from bench.cases.base import Context
from bench.options import listed, progress
from bench.peers import PEERS
from bench.peers.base import Peer
from bench.processes import Cores, StartError
from bench.results import Results
from bench.targets import OURS, not_met, targets
from bench.upstreams import start_upstreams

CASE_NAMES = (*(case.name for case in CASES), features.CASE)
PEER_NAMES = tuple(peer.name for peer in PEERS)
OUTPUT_HELP = "Where to write the report; a whole run that is not quick writes docs/performance.md."


@click.command(help=__doc__)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--cases", default=",".join(CASE_NAMES), callback=listed(CASE_NAMES))
@click.option("--peers", default=",".join(PEER_NAMES), callback=listed(PEER_NAMES))
@click.option("--quick", is_flag=True, help="One short round: shows that it works, no more.")
@click.option("--output", default=None, type=click.Path(path_type=Path), help=OUTPUT_HELP)
@click.option("--json", "json_file", default=None, type=click.Path(path_type=Path))
def main(
    rounds: int,
    cases: list[str],
    peers: list[str],
    quick: bool,
    output: Path | None,
    json_file: Path | None,
) -> None:
    """Exit status 1 when a case failed; a target that is not met is no failure of the run."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every process is ended
    began = time.monotonic()
    _need("nginx", "wrk", "taskset")
    here, skipped = _present(peers)
    results = Results(machine.describe(), {p.name: p.version() for p in here}, skipped)
    try:
        _run(cases, here, results, rounds=1 if quick else rounds, quick=quick)
    except StartError as error:
        raise click.ClickException(str(error)) from error
    results.settings = _settings(quick, rounds, time.monotonic() - began)
    if output is None and not quick and set(cases) == set(CASE_NAMES):
        output = page.PAGE
    _write(results, output, json_file)
    sys.exit(1 if results.failures else 0)


def _need(*programs: str) -> None:
    """The upstream and the load cannot be skipped as a peer can."""
    if missing := [name for name in programs if shutil.which(name) is None]:
        raise click.ClickException(f"not installed: {', '.join(missing)}")


def _settings(quick: bool, rounds: int, seconds: float) -> dict[str, str]:
    what = "quick: one short round, the figures are rough" if quick else f"rounds: {rounds}"
    size = stream.size(quick=quick) >> 20
    return {"Run": f"{what}, {seconds / 60:.1f} minutes", "Streamed": f"{size} MiB each way"}


def _present(names: Sequence[str]) -> tuple[list[Peer], dict[str, str]]:
    chosen = [peer for peer in PEERS if peer.name in names]
    skipped = {peer.name: reason for peer in chosen if (reason := peer.absent())}
    return [peer for peer in chosen if peer.name not in skipped], skipped


def _run(
    names: Sequence[str], peers: Sequence[Peer], results: Results, *, rounds: int, quick: bool
) -> None:
    """Everything it starts, and its folder, are gone when it returns. Raises StartError."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    cores = Cores.of_this_machine()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        upstreams = start_upstreams(stack, cores, folder)
        context = Context(upstreams, cores, folder, quick)
        chosen = [case for case in CASES if case.name in names]
        runner.run(chosen, peers, context, results, rounds, progress)
        if features.CASE in names and any(peer.name == OURS for peer in peers):
            features.run(context, results, rounds, progress)


def _write(results: Results, output: Path | None, json_file: Path | None) -> None:
    text = report.render(results)
    if output is not None:
        page.write(output, "gateway", text)
    if json_file is not None:
        json_file.write_text(json.dumps(results.as_json(), indent=1))
    click.echo(text)
    for target in not_met(targets(results)):
        click.echo(f"not met: {target.text}", err=True)


if __name__ == "__main__":
    main()
