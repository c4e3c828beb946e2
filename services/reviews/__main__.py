"""`python -m services.reviews serve | fill`."""

from typing import IO

import click

from services.common.command import LINES, database_option, listen_option, run_fill, run_serve
from services.common.fill import Input
from services.reviews.service import SERVICE
from services.reviews.tables import review_row, reviews


@click.group(name="services.reviews")
def main() -> None:
    """The shop's reviews: reading them, below /api/reviews and /reviews/."""


@main.command()
@listen_option(8101)
@database_option(SERVICE.name)
def serve(database: str, listen: tuple[str, int]) -> None:
    """Answer requests until SIGTERM or Ctrl-C."""
    run_serve(SERVICE, database, listen)


@main.command()
@click.argument("file", type=LINES)
@database_option(SERVICE.name)
def fill(database: str, file: IO[str]) -> None:
    """Put the reviews of FILE (JSON lines, - for standard input) into the database."""
    run_fill(SERVICE, database, [Input(reviews, review_row, file)])


if __name__ == "__main__":
    main()
