"""Lines on a terminal, wrapped at words; lines and tables in a file or a pipe, as wide as they are.

Rich is loaded only for what is printed, and colours appear only where the output is a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.text import Text

_WIDE = 10_000
_HANGING = 4
"""What follows a line's first row stands so much further to the right."""


def show(*parts: RenderableType, error: bool = False) -> None:
    """Print texts (with markup) and tables, to standard error if `error`."""
    console = Console(highlight=False, soft_wrap=True, stderr=error)
    for part in _flat(parts):
        if isinstance(part, str) and console.is_terminal:
            for line in part.split("\n"):
                _print_wrapped(console, line)
        elif isinstance(part, str) or console.is_terminal:
            console.print(part)
        else:
            _print_whole(console, part)


def _flat(parts: Iterable[RenderableType]) -> Iterable[RenderableType]:
    for part in parts:
        if isinstance(part, Group):
            yield from _flat(part.renderables)
        else:
            yield part


def _print_whole(console: Console, part: RenderableType) -> None:
    """A table for a program: as wide as it is, with nothing behind the last word of a line."""
    console.width = _WIDE
    with console.capture() as captured:
        console.print(part)
    for line in captured.get().splitlines():
        console.file.write(f"{line.rstrip()}\n")


def _print_wrapped(console: Console, line: str) -> None:
    text = Text.from_markup(line)
    indent = len(text.plain) - len(text.plain.lstrip(" ")) + _HANGING
    width = console.width
    if len(text) <= width or width <= 2 * indent:
        console.print(text)
        return
    first, *rest = text.wrap(console, width)
    console.print(first)
    following = Text(" ").join(rest)
    for row in following.wrap(console, width - indent):
        console.print(Text(" " * indent) + row)
