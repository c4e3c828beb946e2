"""`python -m services.reviews serve | schema | fill`."""

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
from services.reviews.exported import author_row, product_row, review_row
from services.reviews.service import SERVICE
from services.reviews.tables import authors, products, reviews


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
@database_option(SERVICE.name)
def schema(database: str) -> None:
    """Create the tables and end: whoever copies rows into them may come before `serve` does."""
    run_schema(SERVICE, database)


@main.command()
@click.argument("file", type=LINES)
@database_option(SERVICE.name)
def fill(database: str, file: IO[str]) -> None:
    """Put the reviews of FILE (JSON lines, - for standard input) into the database."""
    parts = ((reviews, review_row), (products, product_row), (authors, author_row))
    run_fill(SERVICE, database, [Input(table, parse, file) for table, parse in parts])


if __name__ == "__main__":
    main()
