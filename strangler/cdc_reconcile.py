"""`strangler cdc verify`, `repair`, `probe`, `retry`: parse, ask, print. No logic."""

from __future__ import annotations

import sys
from typing import Any

import click

from strangler import terminal
from strangler.cdc_options import of_stream, progress_bar, tell

_WITHIN = click.option("--within", default=60.0, show_default=True, metavar="SECONDS",
                       help="How long to wait for what is on its way.")  # fmt: skip


@click.command()
@click.option("--table", "tables", multiple=True, metavar="TABLE", help="Which [all]; repeatable.")
@click.option("--show-values", is_flag=True,
              help="Show the values that differ, which may be personal.")  # fmt: skip
@click.option("--continuous", type=click.IntRange(1), metavar="ROWS",
              help="Go on and on, at most ROWS a second, until Ctrl-C.")  # fmt: skip
@_WITHIN
@terminal.as_json
@of_stream
def verify(
    which: Any, tables: tuple[str, ...], show_values: bool, continuous: int | None, within: float,
    as_json: bool,
) -> None:  # fmt: skip
    """Compare STREAM's copy with its source, row by row, while writes go on.

    Ranges are hashed inside both databases. Rows that differ are looked at
    again when everything before has arrived. Ends with 0 for equal, 1 for
    different, 3 where it cannot be told, 5 where a server cannot be reached.

    Example: strangler cdc verify reviews --table reviews_review
    """
    from strangler import reconciling

    with terminal.failures(as_json=as_json):
        if continuous:
            for look in reconciling.verify_on(which, rows_per_second=continuous):
                tell("look", look, as_json=as_json)
            return
        bar = progress_bar(shown=not as_json)
        with bar as progress:
            answer = reconciling.verify(
                which, tables, show_values=show_values, within=within, progress=progress,
                waiting=bar.waiting,
            )  # fmt: skip
    tell("verified", answer, as_json=as_json)
    sys.exit(answer["exit_code"])


@click.command()
@of_stream
@click.argument("table", required=False)
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--all", "everything", is_flag=True, help="Whatever a comparison finds now.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@_WITHIN
@terminal.as_json
def repair(
    which: Any, table: str | None, keys: tuple[str, ...], everything: bool, dry_run: bool,
    within: float, as_json: bool,
) -> None:  # fmt: skip
    """Send single rows of STREAM again through the pipe, and compare them.

    A KEY is its value, or a JSON list where it has several columns. Rows
    that the source does not have are deleted from the target.

    \b
    Examples: strangler cdc repair reviews reviews_review 17 18
              strangler cdc repair reviews --all --dry-run
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines
    from strangler import reconciling

    if everything == bool(keys):
        raise click.UsageError("name a TABLE and its KEYs, or --all")
    with terminal.failures(as_json=as_json):
        bar = progress_bar(shown=not as_json)
        with bar:
            answer = reconciling.repair(
                which, table, keys, dry_run=dry_run, within=within, waiting=bar.waiting
            )
    tell("repaired", answer, as_json=as_json)
    sys.exit(0 if answer["clean"] else 1)


@click.command()
@click.option("--within", default=30.0, show_default=True, metavar="SECONDS",
              help="How long it may take.")  # fmt: skip
@terminal.as_json
@of_stream
def probe(which: Any, within: float, as_json: bool) -> None:
    """Send a marker through all of STREAM's pipe and time each stage.

    Ends with 1 where it does not come out, and says where it got stuck; with
    5 where a server cannot be reached.

    Example: strangler cdc probe reviews
    """
    from strangler import reconciling

    with terminal.failures(as_json=as_json):
        answer = reconciling.probe(which, within=within)
    tell("probed", answer, as_json=as_json)
    sys.exit(answer["exit_code"])


@click.command()
@terminal.as_json
@of_stream
def retry(which: Any, as_json: bool) -> None:
    """Let the applier try again what it has parked, after a repair by hand.

    Example: strangler cdc retry reviews
    """
    from strangler import reconciling

    with terminal.failures(as_json=as_json):
        answer = reconciling.retry(which)
    tell("retried", answer, as_json=as_json)
