"""The tour's table and its verdict, in 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from strangler.demo.screen import Screen
from strangler.demo.tour.ledger import Ledger, Page
from strangler.demo.tour.story import NEW, STORY, Phase
from strangler.kit.quantities import percent_text

_COLUMNS = ("asked", "users", "reads", "requests", "errors", "flips", "p50 ms", "p99 ms")


def show(screen: Screen, ledger: Ledger, problems: Sequence[str], seconds: float) -> None:
    """What happened in each phase, then whether it was right."""
    flips = ledger.flips()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("Phase")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    for phase in STORY:
        table.add_row(phase.name, *_cells(phase, ledger.page(phase), flips[phase.name]))
    screen.say()
    screen.console.print(table)
    screen.say(f"[dim]users, reads: the share of people and of their reads that {NEW} served.[/]\n")
    if not problems:
        screen.say(
            f"[bold green]Every request was answered, and everybody stayed where they were put "
            f"({seconds:.0f} s).[/]"
        )
        return
    screen.say(f"[bold red]{len(problems)} things went wrong:[/]")
    for problem in problems:
        screen.say(f"  {escape(problem)}")


def _cells(phase: Phase, page: Page, flipped: set[int]) -> tuple[str, ...]:
    return (
        f"{percent_text(phase.share)} %",
        _share(page.users_on(NEW), len(page.sides)),
        _share(page.requests_on(NEW), sum(page.weights())),
        str(len(page.seconds) + len(page.errors)),
        str(len(page.errors)),
        str(len(flipped)),
        f"{page.quantile(0.5) * 1000:.0f}",
        f"{page.quantile(0.99) * 1000:.0f}",
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}".replace("%", " %") if whole else "-"
