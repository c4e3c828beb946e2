"""`python -m services.notices serve | schema | fill`."""

from typing import IO

import click

from services.common.command import (
    LINES,
    database_option,
    listen_option,
    run_fill,
    run_schema,
    run_serve,
)
from services.common.fill import Input
from services.notices.exported import notice_row, question_row
from services.notices.service import SERVICE
from services.notices.tables import notices, questions


@click.group(name="services.notices")
def main() -> None:
    """The shop's notices and questions: reading them, as JSON and as pages."""


@main.command()
@listen_option(8102)
@database_option(SERVICE.name)
def serve(database: str, listen: tuple[str, int]) -> None:
    """Answer requests until SIGTERM or Ctrl-C."""
    run_serve(SERVICE, database, listen)


@main.command()
@database_option(SERVICE.name)
def schema(database: str) -> None:
    """Create the tables and end: whoever copies rows into them may come before `serve` does."""
    run_schema(SERVICE, database)


@main.command()
@click.option("--notices", "notice_lines", type=LINES, help="JSON lines, - for standard input.")
@click.option("--faq", "question_lines", type=LINES, help="JSON lines, - for standard input.")
@database_option(SERVICE.name)
def fill(database: str, notice_lines: IO[str] | None, question_lines: IO[str] | None) -> None:
    """Put notices, questions or both into the database, in one transaction."""
    inputs = []
    if notice_lines:
        inputs.append(Input(notices, notice_row, notice_lines))
    if question_lines:
        inputs.append(Input(questions, question_row, question_lines))
    if not inputs:
        raise click.UsageError("Name what to fill: --notices FILE, --faq FILE or both.")
    run_fill(SERVICE, database, inputs)


if __name__ == "__main__":
    main()
