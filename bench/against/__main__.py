"""`python -m bench.against COMMIT`: whether the working tree is slower than a commit."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from bench import machine
from bench.against import builds, commits, loop, table
from bench.against.comparing import CASES, Comparison
from bench.against.verdict import Compared, Verdict, sentence
from bench.options import listed, progress
from bench.results import Results

ROOT = Path(__file__).parents[2]
ROUNDS = 15
SIDES = ("base", "this")
"""Names of one length, as they are part of paths."""

HELP = f"""\b
Whether this working tree is slower than COMMIT.

Both are installed below .bench (this side with what is changed and not yet
committed; untracked files are no part of it) and take turns within each round.
A case is slower if it executes more than 1.02 times the instructions, where
they are counted, or if the 95 % interval of its CPU time's ratio lies wholly
above 1.02.

\b
Ends with 1 if a case is slower, 2 if something could not be measured, else 0.

\b
Cases: {", ".join(CASES)}
Example: python -m bench.against HEAD~1 --cases canary
         python -m bench.against HEAD~1 \\
             --setup 'from cdc.murmur2 import partition_of' \\
             --loop "partition_of(b'12345', 12)"
"""


@click.command(help=HELP)
@click.argument("commit")
@click.option("--rounds", default=ROUNDS, show_default=True, type=click.IntRange(1))
@click.option("--cases", default=",".join(CASES), callback=listed(CASES), help="[all]")
@click.option("--quick", is_flag=True, help="One short round: shows that it works, no more.")
@click.option("--loop", "statement", help="Time this Python statement instead of the cases.")
@click.option("--setup", default="pass", help="What runs once before the loop.")
@click.option("--json", "json_file", default=None, type=click.Path(path_type=Path))
def main(
    commit: str,
    rounds: int,
    cases: list[str],
    quick: bool,
    statement: str | None,
    setup: str,
    json_file: Path | None,
) -> None:
    """Exit status 1 if a case is slower, 2 if something could not be measured."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every process is ended
    try:
        codes = [commits.named(ROOT, commit), commits.working_tree(ROOT)]
        with builds.alone(ROOT):
            sides = builds.built(ROOT, list(zip(SIDES, codes, strict=True)), progress)
            results = Results(machine.describe(), {side.name: side.label for side in sides}, {})
            rounds = 1 if quick else rounds
            if statement is not None:
                found = [loop.compare(sides, setup, statement, rounds, progress)]
            else:
                found = _measured(Comparison(sides, rounds, results, progress, quick), cases)
    except (commits.CommitError, builds.BuildError, loop.LoopError) as error:
        failure = click.ClickException(str(error))
        failure.exit_code = 2
        raise failure from error
    _tell(found, results, commit, json_file)
    sys.exit(_status(found, results))


def _measured(comparison: Comparison, cases: list[str]) -> list[Compared]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        comparison.run(cases, Path(folder))
    return comparison.compared(cases)


def _tell(found: list[Compared], results: Results, commit: str, json_file: Path | None) -> None:
    for line in table.table(found):
        click.echo(line)
    for case, reason in results.skipped.items():
        click.echo(f"Skipped: {case}: {reason}")
    for failure in results.failures:
        click.echo(f"Failed: {failure.case}: {failure.reason}")
    for name, value in results.settings.items():
        click.echo(f"{name}: {value}.")
    click.echo(click.wrap_text(sentence(found, commit), 80))
    if json_file is not None:
        json_file.write_text(json.dumps(_as_json(found, results, commit), indent=1))


def _as_json(found: list[Compared], results: Results, commit: str) -> dict[str, Any]:
    return {
        "against": commit,
        "sentence": sentence(found, commit),
        "cases": [table.as_json(each) for each in found],
        **results.as_json(),
    }


def _status(found: list[Compared], results: Results) -> int:
    """Slower beats what failed: it is known already."""
    if any(each.verdict is Verdict.SLOWER for each in found):
        return 1
    return 2 if results.failures or not found else 0


if __name__ == "__main__":
    main()
