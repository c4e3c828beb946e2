"""`python -m bench.relay`: run the cases and write the relay's part of docs/performance.md."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import click

from bench import machine, page
from bench.options import listed, progress
from bench.processes import StartError
from bench.relay import report
from bench.relay.plan import ALL, Plan, quick
from bench.relay.readers.debezium import Debezium
from bench.relay.readers.ours import Ours
from bench.relay.readers.recvlogical import RecvLogical
from bench.relay.runner import Bench
from bench.relay.targets import DEBEZIUM, LIMIT, OURS, targets
from bench.results import Results
from bench.targets import not_met
from cdc.kafka import apache

OUTPUT_HELP = "The page; a whole run that is not quick writes docs/performance.md."


@click.command(help=__doc__)
@click.option("--rounds", default=None, type=click.IntRange(1), help="[3]")
@click.option("--cases", default=",".join(ALL), callback=listed(ALL))
@click.option("--quick", "short", is_flag=True, help="Few rows: shows that it works, no more.")
@click.option("--output", default=None, type=click.Path(path_type=Path), help=OUTPUT_HELP)
@click.option("--json", "json_file", default=None, type=click.Path(path_type=Path))
def main(
    rounds: int | None, cases: list[str], short: bool, output: Path | None, json_file: Path | None
) -> None:
    """Exit status 1 when a case failed; a target that is not met is no failure of the run."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every process is ended
    plan = quick() if short else Plan()
    plan = plan if rounds is None else replace(plan, rounds=rounds)
    results, began = Results(machine.describe(), _versions(), {}), time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            Bench(plan, cases, results, progress).run(Path(folder))
    except StartError as error:
        raise click.ClickException(str(error)) from error
    results.settings = _settings(plan, time.monotonic() - began, short=short)
    if output is None and not short and set(cases) == set(ALL):
        output = page.PAGE
    _write(results, output, json_file)
    sys.exit(1 if results.failures else 0)


def _versions() -> dict[str, str]:
    return {
        LIMIT: RecvLogical.version(),
        DEBEZIUM: Debezium.version(),
        OURS: Ours.version(),
        "Kafka": f"Apache Kafka {apache.VERSION}, one broker",
    }


def _settings(plan: Plan, seconds: float, *, short: bool) -> dict[str, str]:
    what = "quick: few rows, the figures are rough" if short else f"rounds: {plan.rounds}"
    return {
        "Run": f"{what}, {seconds / 60:.1f} minutes",
        "Rows a round": f"{plan.rows:,}; of commits of one row {plan.small:,}; of MariaDB"
        f" {plan.mariadb:,}",
        "Rows of the copy": f"{plan.big:,}",
    }


def _write(results: Results, output: Path | None, json_file: Path | None) -> None:
    text = report.render(results)
    if output is not None:
        page.write(output, "relay", text)
    if json_file is not None:
        json_file.write_text(json.dumps(results.as_json(), indent=1))
    click.echo(text)
    for target in not_met(targets(results)):
        click.echo(f"not met: {target.text}", err=True)


if __name__ == "__main__":
    main()
