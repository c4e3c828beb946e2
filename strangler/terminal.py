"""What all commands share: their options, how an answer is printed, how a failure ends."""

from __future__ import annotations

import functools
import gc
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

if TYPE_CHECKING:
    from strangler.bootstrap import Place

INTERRUPTED: Final = 130
"""128 and the number of SIGINT."""

Command: TypeAlias = Callable[..., Any]

EXIT_CODES = """\b
Exit codes: 0 done; 1 refused, or the file has problems; 2 wrong usage;
3 somebody else was quicker, or the file would take their changes back;
4 live, but not every gateway has said so in time; 5 the gateway, the
store, a database or Kafka cannot be reached; 6 the token does not
allow it."""

_FILES = (
    click.option("--routes", default="routes.yaml", envvar="STRANGLER_ROUTES", metavar="FILE",
                 type=click.Path(path_type=Path), help="The route table's file [routes.yaml]."),
    click.option("--store", envvar="STRANGLER_STORE", metavar="URL",
                 help="The store [.strangler/store.sqlite3 beside the file]."),
)  # fmt: skip
_PLACE = (
    *_FILES,
    click.option("--admin", envvar="STRANGLER_ADMIN", metavar="HOST:PORT",
                 help="The admin API [the file's `admin:`]."),
)  # fmt: skip

as_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")

_CHANGING = (
    as_json,
    click.option("--wait", default=10.0, show_default=True, metavar="SECONDS",
                 help="How long to wait for the gateways; 0 to go on at once."),
    click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing."),
    click.option("--reason", default="", help="Why; kept in the history."),
    click.option("--author", default=getpass.getuser, help="Who [your login name]."),
)  # fmt: skip


class InOrder(click.Group):
    """Commands in the order in which they are written: the order of a migration."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """As they were added."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C ends it as a shell expects, wherever it was."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)


def place(command: Command) -> Command:
    """The options that say where a command works, handed on as one `Place`."""

    @functools.wraps(command)
    def placed(routes: Path, store: str | None, admin: str | None, **options: Any) -> Any:
        from strangler.bootstrap import Place

        token = os.environ.get("STRANGLER_ADMIN_TOKEN")
        return command(place=Place(routes, store, admin, token), **options)

    return _decorated(placed, _PLACE)


def files(command: Command) -> Command:
    """The same for a command that asks no gateway."""

    @functools.wraps(command)
    def placed(routes: Path, store: str | None, **options: Any) -> Any:
        from strangler.bootstrap import Place

        return command(place=Place(routes, store), **options)

    return _decorated(placed, _FILES)


def changing(command: Command) -> Command:
    """The options of a command that changes what is live, handed on as one `change`."""

    @functools.wraps(command)
    def changed(author: str, reason: str, dry_run: bool, wait: float, **options: Any) -> Any:
        from strangler.admin.commands import Change

        return command(change=Change(author, reason, dry_run, wait), **options)

    return _decorated(changed, _CHANGING)


def targets(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """`NAME=PERCENT`, repeated, as a mapping; the percentages stay texts."""
    pairs = [value.partition("=") for value in values]
    if not all(name and percent for name, _, percent in pairs):
        raise click.BadParameter("write NAME=PERCENT, such as reviews=12.5")
    return {name: percent for name, _, percent in pairs}


def run(place: Place, view: str, as_json: bool, ask: Callable[[Any], Any]) -> Any:
    """Ask a gateway or the store, print the answer with that function of `screen`, return it."""
    from strangler import bootstrap

    # A command lives for a moment: looking for garbage would be most of its time on a big table.
    gc.disable()
    with failures(as_json=as_json), bootstrap.commands(place) as commands:
        answer = ask(commands)
    gc.enable()
    tell(view, answer, as_json=as_json)
    return answer


def tell(view: str, answer: Any, *, as_json: bool) -> None:
    """Print an answer."""
    if as_json:
        click.echo(json.dumps(_without_texts(answer), indent=2, ensure_ascii=False))
        return
    from strangler.admin import printing, screen

    printing.show(getattr(screen, view)(answer))


@contextmanager
def failures(*, as_json: bool = False) -> Iterator[None]:
    """What cannot be done, as a sentence and an exit code."""
    from strangler.admin.failures import EXIT_CODES as CODES
    from strangler.admin.failures import Failure

    try:
        yield
    except Failure as failure:
        if as_json:
            click.echo(json.dumps(failure.as_json(), indent=2, ensure_ascii=False))
        else:
            from strangler.admin import printing, screen

            printing.show(screen.failure(failure), error=True)
        sys.exit(CODES[failure.kind])


def _decorated(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def _without_texts(answer: Any) -> Any:
    """Whole tables are for programs that ask for one; `strangler diff` is for people."""
    if not isinstance(answer, Mapping):
        return answer
    return {key: value for key, value in answer.items() if key not in {"text", "previous_text"}}
