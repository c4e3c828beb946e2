"""What the command lines of the benchmarks share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import click


def listed(allowed: Sequence[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Reads a comma-separated option."""

    def read(_context: click.Context, _option: click.Parameter, text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        if unknown := [name for name in names if name not in allowed]:
            raise click.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(allowed)}")
        return names

    return read


def progress(text: str) -> None:
    """A line with the time, apart from the report."""
    click.echo(f"{time.strftime('%H:%M:%S')} {text}", err=True)
