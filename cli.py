"""The command line: parse, ask `strangler.bootstrap`, print. No logic.

Everything heavy is imported inside the commands, so that `strangler --help` answers at once.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from strangler import cdc_commands, terminal
from strangler.terminal import run

if TYPE_CHECKING:
    from strangler.admin.commands import Change
    from strangler.bootstrap import Place


@click.group(cls=terminal.InOrder, epilog=terminal.EXIT_CODES)
@click.version_option(package_name="strangler")
def main() -> None:
    """Leave a Django monolith path by path.

    \b
    strangler init --legacy http://127.0.0.1:8000    a first routes.yaml
    strangler serve                                  the gateway in front
    strangler canary reviews 5                       5 % of people to the new side
    strangler status --watch                         how it goes
    strangler cutover reviews                        everybody
    strangler rollback reviews                       everybody back
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines


@main.command()
@click.option("--legacy", required=True, metavar="URL", help="Your monolith's address.")
@terminal.place
def init(place: Place, legacy: str) -> None:
    """Write a first, commented routes.yaml for a monolith of your own.

    Example: strangler init --legacy http://127.0.0.1:8000
    """
    from strangler.admin.first_table import write_first_table

    with terminal.failures():
        write_first_table(place.routes, legacy)
    click.echo(f"Wrote {place.routes}. Next: `strangler check`, then `strangler serve`.")


@main.command()
@click.option("--listen", metavar="HOST:PORT", help="Where requests arrive [the file's `listen:`].")
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes [one per core].")
@terminal.place
def serve(place: Place, listen: str | None, workers: int | None) -> None:
    """Run the gateway until it is told to stop.

    A saved file goes live within half a second; one with problems changes
    nothing. SIGHUP reads it again, SIGTERM lets requests in flight finish.

    Example: strangler serve --listen 0.0.0.0:8080 --workers 4
    """
    from strangler import bootstrap

    with terminal.failures():
        bootstrap.serve(place, bootstrap.Serving(listen, workers))


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@terminal.as_json
@terminal.place
def check(place: Place, files: tuple[Path, ...], as_json: bool) -> None:
    """Check route tables without a gateway; every problem at its line.

    Example: strangler check routes.yaml
    """
    from strangler import bootstrap

    with terminal.failures(as_json=as_json):
        answer = bootstrap.check_files(files or (place.routes,))
    terminal.tell("checked", answer, as_json=as_json)
    sys.exit(0 if answer["ok"] else 1)


@main.command()
@terminal.as_json
@terminal.place
def plan(place: Place, as_json: bool) -> None:
    """Say what the file would change if it were applied.

    Ends with the exit code that `strangler apply` would end with.

    Example: strangler plan --json
    """
    answer = run(place, "plan", as_json, lambda commands: commands.plan())
    sys.exit(3 if answer["blocked"] or answer["takes_back"] else 0)


@main.command()
@click.option("--revert", is_flag=True, help="Take back live changes that the file lacks.")
@terminal.changing
@terminal.place
def apply(place: Place, change: Change, revert: bool, as_json: bool) -> None:
    """Make the file live. It must carry the live version + 1.

    Example: strangler apply --reason "notices go to their own service"
    """
    run(place, "done", as_json, lambda commands: commands.apply(change, revert=revert))


@main.command()
@click.option("--watch", is_flag=True, help="Show it again every second until Ctrl-C.")
@terminal.as_json
@terminal.place
def status(place: Place, watch: bool, as_json: bool) -> None:
    """Show the live table, who serves it, and what its groups really get.

    Example: strangler status --watch
    """
    while True:
        if watch and not as_json:
            click.clear()
        run(place, "status", as_json, lambda commands: commands.ask("status"))
        if not watch:
            return
        time.sleep(1)


@main.command()
@click.argument("method")
@click.argument("target")
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'",
              help="A request header; may be repeated.")  # fmt: skip
@click.option("--client", default="127.0.0.1", show_default=True, help="The client's address.")
@click.option("--file", "from_file", is_flag=True, help="Ask the file rather than the live table.")
@terminal.as_json
@terminal.place
def explain(place: Place, as_json: bool, **request: Any) -> None:
    """Say where a request goes and why, from the code that serves traffic.

    Example: strangler explain GET '/reviews/5?page=2' -H 'Cookie: a=b'
    """
    run(place, "explanation", as_json, lambda commands: commands.explain(**request))


@main.command()
@click.argument("route")
@click.argument("percent", required=False)
@click.option("--to", multiple=True, callback=terminal.targets, metavar="NAME=PERCENT",
              help="Which new side, where there are several; may be repeated.")  # fmt: skip
@terminal.changing
@terminal.place
def canary(place: Place, change: Change, as_json: bool, **body: Any) -> None:
    """Give the new side of ROUTE's group PERCENT of the people.

    PERCENT has up to two decimals. Whoever is on the new side stays there
    while it grows. All routes of the group move together.

    \b
    Examples: strangler canary reviews 2.5 --reason "first people"
              strangler canary reviews --to reviews-v2=10
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines
    run(place, "done", as_json, lambda commands: commands.change("canary", body, change))


@main.command()
@click.argument("route")
@click.option("--to", metavar="NAME", help="Which new side, where there are several.")
@terminal.changing
@terminal.place
def cutover(place: Place, change: Change, as_json: bool, **body: Any) -> None:
    """Give the new side of ROUTE's group everything.

    Example: strangler cutover reviews --reason "a week without errors"
    """
    run(place, "done", as_json, lambda commands: commands.change("cutover", body, change))


@main.command()
@click.argument("route")
@terminal.changing
@terminal.place
def rollback(place: Place, change: Change, as_json: bool, **body: Any) -> None:
    """Give ROUTE's group back to the side that had it before.

    Example: strangler rollback reviews --reason "p99 doubled"
    """
    run(place, "done", as_json, lambda commands: commands.change("rollback", body, change))


@main.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000),
              help="How many, from the newest.")  # fmt: skip
@terminal.as_json
@terminal.place
def history(place: Place, limit: int, as_json: bool) -> None:
    """List the table versions: who, when, why and what changed.

    Example: strangler history --limit 5
    """
    run(place, "history", as_json, lambda commands: commands.ask("versions", {"limit": limit}))


@main.command()
@click.argument("before", type=click.IntRange(1))
@click.argument("after", default="live")
@terminal.as_json
@terminal.place
def diff(place: Place, as_json: bool, **body: Any) -> None:
    """Say what changed from version BEFORE to version AFTER [live].

    Example: strangler diff 11 12
    """
    run(place, "changes", as_json, lambda commands: commands.ask("diff", body))


@main.command()
@click.option("--to", type=click.IntRange(1), metavar="VERSION",
              help="The version to go back to [the one before the live one].")  # fmt: skip
@terminal.changing
@terminal.place
def undo(place: Place, change: Change, as_json: bool, **body: Any) -> None:
    """Make an earlier version live again, under a new number.

    Example: strangler undo --to 11
    """
    run(place, "done", as_json, lambda commands: commands.change("undo", body, change))


@main.command()
@click.option("--prefer", type=click.Choice(["file", "live"]),
              help="Whose value to take where both sides changed one.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
@terminal.as_json
@terminal.place
def rebase(place: Place, prefer: str | None, dry_run: bool, as_json: bool) -> None:
    """Carry the file's edits onto the live table; comments stay.

    Example: strangler rebase && strangler plan && strangler apply
    """
    run(place, "rebased", as_json, lambda commands: commands.rebase(prefer, dry_run=dry_run))


@main.command()
def schema() -> None:
    """Print the JSON Schema of routes.yaml, for editors.

    Example: strangler schema > routes.schema.json
    """
    from strangler import bootstrap

    click.echo(json.dumps(bootstrap.schema(), indent=2))


@main.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "operator"]), default="viewer",
              show_default=True, help="A viewer looks; an operator changes.")  # fmt: skip
def token(name: str, role: str) -> None:
    """Make a token of the admin API.

    The token goes to standard output, the line for the tokens file to
    standard error. Only the line, a hash, is ever stored.

    Example: strangler token ci --role operator 2>> tokens > ci.token
    """
    from strangler.admin import tokens
    from strangler.admin.roles import Role

    with terminal.failures():
        secret, made = tokens.make(name, Role(role))
    click.echo(str(made), err=True)
    click.echo(secret)


main.add_command(cdc_commands.cdc)


@main.command()
@click.option("--tour", is_flag=True, help="Play the whole story without you, and judge it.")
@click.option("--dir", "folder", metavar="FOLDER", type=click.Path(path_type=Path),
              help="Where data and logs go [.demo; the tour: a temporary folder].")  # fmt: skip
@click.option("--kafka", metavar="HOST:PORT",
              help="Brokers that run already; `apache` starts Apache Kafka, which needs Java and "
              "Maven [a small one in memory].")  # fmt: skip
@click.option("--fresh", is_flag=True, help="Forget what earlier runs left in the folder.")
def demo(**wanted: Any) -> None:
    """Run the bundled shop behind the gateway.

    Example: strangler demo --tour
    """
    from strangler import demo

    sys.exit(demo.main(demo.Wanted(**wanted)))
