"""What the commands of `strangler cdc` share: which stream, and how an answer is printed."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from strangler import terminal

if TYPE_CHECKING:
    from strangler.bootstrap import Place

_WAITING = ""
"""In the place of a table's name: the line that says what is waited for."""
_WHICH = (
    click.option("--reverse", is_flag=True, help="The way back: from the target to the source."),
    click.option("--kafka", envvar="STRANGLER_KAFKA", metavar="HOST:PORT",
                 help="The brokers [the file's `kafka:`]."),
)  # fmt: skip


def of_stream(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument STREAM and the options that say which one, handed on as one `Which`."""

    @functools.wraps(command)
    def named(place: Place, stream: str, reverse: bool, kafka: str | None, **options: Any) -> Any:
        from strangler.relays import Which

        return command(which=Which(place, stream, reverse, kafka), **options)

    for option in reversed(_WHICH):
        named = option(named)
    return click.argument("stream")(terminal.files(named))


def tell(view: str, answer: Any, *, as_json: bool) -> None:
    """Print an answer with that function of `cdc_screen`, or as JSON."""
    import json

    if as_json:
        indent = None if view == "record" else 2  # a stream of records is one to a line
        click.echo(json.dumps(answer, indent=indent, ensure_ascii=False))
        return
    from strangler import cdc_screen
    from strangler.admin import printing

    printing.show(getattr(cdc_screen, view)(answer))


def address(_ctx: click.Context, _param: click.Parameter, given: str | None) -> str | None:
    """HOST:PORT, or nothing; whatever else it is, is wrong usage before anything is begun."""
    from cdc.metrics import host_and_port

    try:
        if given is not None:
            host_and_port(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return given


class progress_bar:  # noqa: N801 - used like a function
    """A progress bar on a terminal, and what is waited for; elsewhere one line of the latter."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._tasks: dict[str, Any] = {}
        self._waited = False

    def waiting(self, what: str) -> None:
        """Say what is waited for: on a terminal what it is now, elsewhere the first only.

        On standard error, so that it may stand beside an answer in JSON.
        """
        if self._shown:
            from rich.markup import escape

            if _WAITING not in self._tasks:
                self._tasks[_WAITING] = self._progress.add_task("", total=None)
            self._progress.update(self._tasks[_WAITING], description=f"waiting: {escape(what)}")
        elif not self._waited:
            click.echo(f"Waiting: {what}.", err=True)
        self._waited = True

    def __enter__(self) -> Any:
        if not self._shown:
            return lambda _table, _rows, _estimate: None
        from rich.console import Console
        from rich.progress import Progress

        self._progress = Progress(console=Console(stderr=True), transient=True)
        self._progress.start()
        return self._advance

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._progress.stop()

    def _advance(self, table: str, rows: int, estimate: int) -> None:
        if _WAITING in self._tasks:  # what was waited for has come
            self._progress.remove_task(self._tasks.pop(_WAITING))
        if table not in self._tasks:
            self._tasks[table] = self._progress.add_task(table, total=None)
        # The estimate may come later than the first rows, and may be too small.
        total = max(rows, estimate) if estimate else None
        self._progress.update(self._tasks[table], completed=rows, total=total)
