"""`strangler cdc …`: parse, ask `strangler.relays`, print. No logic."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

import click

from strangler import terminal
from strangler.cdc_options import address, of_stream, progress_bar, tell
from strangler.cdc_reconcile import probe, repair, retry, verify

if TYPE_CHECKING:
    from strangler.bootstrap import Place

_METRICS = click.option("--metrics", metavar="HOST:PORT", callback=address,
                        help="Serve metrics there [off].")  # fmt: skip


@click.group(cls=terminal.InOrder, epilog=terminal.EXIT_CODES)
def cdc() -> None:
    """Keep services' databases in step with the monolith's.

    \b
    strangler cdc init reviews --apply     what the source needs
    strangler cdc run reviews              its changes into Kafka
    strangler cdc apply reviews            from there into the service's database
    strangler cdc status                   how far everything is
    strangler cdc verify reviews           whether the copy is equal

    Example: strangler cdc status --watch
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines


@cdc.command()
@click.option("--apply", "action", flag_value="apply", help="Do what can be done.")
@click.option("--undo", "action", flag_value="undo", help="Remove every trace of the stream.")
@terminal.as_json
@of_stream
def init(which: Any, action: str | None, as_json: bool) -> None:
    """Say what STREAM's source needs, with the statement that mends it.

    Ends with 1 while something is missing.

    Example: strangler cdc init reviews --apply
    """
    from strangler import preparing

    with terminal.failures(as_json=as_json):
        answer = preparing.prepare(which, action or "check")
    tell("prepared", answer, as_json=as_json)
    sys.exit(0 if answer["ready"] else 1)


@cdc.command()
@click.option("--no-snapshot", is_flag=True, help="First start: leave out what is there already.")
@click.option("--resnapshot", is_flag=True,
              help="Begin anew with a snapshot: the log was lost, or is another one.")  # fmt: skip
@_METRICS
@of_stream
def run(which: Any, no_snapshot: bool, resnapshot: bool, metrics: str | None) -> None:
    """Relay STREAM's changes into Kafka until told to stop.

    The first start copies what is there already, while changes stream on.

    Example: strangler cdc run reviews --metrics 127.0.0.1:9901
    """
    from strangler import relays

    with terminal.failures():
        relays.run(which, snapshot=not no_snapshot, resnapshot=resnapshot, metrics=metrics)


@cdc.command()
@click.option("--restart", is_flag=True,
              help="Read the topics from their start: Kafka forgot, or is another.")  # fmt: skip
@_METRICS
@of_stream
def apply(which: Any, restart: bool, metrics: str | None) -> None:
    """Write STREAM's changes into its target until told to stop.

    Several processes share a stream's partitions by themselves.

    Example: strangler cdc apply reviews
    """
    from strangler import relays

    with terminal.failures():
        relays.apply(which, restart=restart, metrics=metrics)


@cdc.command()
@click.argument("stream", required=False)
@click.option("--reverse", is_flag=True, help="The ways back: from the targets to the sources.")
@click.option("--watch", is_flag=True, help="Show it again every second until Ctrl-C.")
@click.option("--kafka", envvar="STRANGLER_KAFKA", metavar="HOST:PORT", hidden=True)
@terminal.as_json
@terminal.files
def status(
    place: Place, stream: str | None, reverse: bool, watch: bool, kafka: str | None, as_json: bool
) -> None:
    """Show how far each stream's relay and applier are.

    Example: strangler cdc status --watch
    """
    from strangler import relays

    with terminal.failures(as_json=as_json):
        asked = functools.partial(relays.status, place, stream, kafka, reverse=reverse)
        for answer in relays.watching(asked):
            if watch and not as_json:
                click.clear()
            tell("status", answer, as_json=as_json)
            if not watch:
                return


@cdc.command()
@click.option("--table", "tables", multiple=True, metavar="TABLE", help="Which [all]; repeatable.")
@click.option("--where", metavar="SQL", help="Only rows that meet this condition of the source.")
@click.option("--wait", is_flag=True, help="Show how far it is until it is over.")
@terminal.as_json
@of_stream
def snapshot(
    which: Any, tables: tuple[str, ...], where: str | None, wait: bool, as_json: bool
) -> None:
    """Ask STREAM's relay to send the rows of its tables again.

    Changes stream on meanwhile; nothing is locked. The relay takes the
    request from the source's log, so it may also run later.

    Example: strangler cdc snapshot reviews --where "id > 1000"
    """
    from strangler import relays

    with terminal.failures(as_json=as_json):
        answer = relays.ask_snapshot(which, tables, where)
    if wait:  # then nobody need be told how to watch it
        answer.pop("next")
    tell("asked", answer, as_json=as_json)
    if wait:
        with terminal.failures(as_json=as_json), progress_bar(shown=not as_json) as progress:
            for runs in relays.snapshot_progress(which, answer["seq"]):
                for each in runs:
                    progress(each["table"], each["rows"], each["estimate"])
        if not as_json:
            click.echo("The snapshot is over.")


@cdc.command()
@of_stream
@click.argument("action", type=click.Choice(["status", "install", "close", "open", "remove"]))
@click.option("--side", type=click.Choice(["source", "target"]), default="target",
              show_default=True, help="Whose tables.")  # fmt: skip
@terminal.as_json
def guard(which: Any, action: str, side: str, as_json: bool) -> None:
    """Refuse writes on the side that does not own STREAM's tables.

    A guard is installed open. Closed, it lets nobody but the applier write;
    closing waits up to five seconds for writers that are inside.

    Example: strangler cdc guard reviews install --side target
    """
    from strangler import relays

    with terminal.failures(as_json=as_json):
        answer = relays.guard(which, side, action)
    tell("guarded", answer, as_json=as_json)


@cdc.command()
@click.option("--table", metavar="TABLE", help="Only this one.")
@click.option("--from-start", is_flag=True, help="From the oldest record that Kafka has.")
@click.option("--limit", type=click.IntRange(1), help="End after so many records [never].")
@terminal.as_json
@of_stream
def tail(which: Any, table: str | None, from_start: bool, limit: int | None, as_json: bool) -> None:
    """Show STREAM's records in Kafka as they come, until Ctrl-C.

    Shows keys and operations; --json shows whole rows, which may be personal.

    Example: strangler cdc tail reviews --from-start --limit 20
    """
    from itertools import islice

    from strangler import relays

    with terminal.failures(as_json=as_json):
        for record in islice(relays.tail(which, table=table, from_start=from_start), limit):
            tell("record", record, as_json=as_json)


for command in (verify, repair, probe, retry):
    cdc.add_command(command)
