"""`python -m services.notices serve | schema`."""

import click

from services.common.command import database_option, listen_option, run_schema, run_serve
from services.notices.service import SERVICE


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


if __name__ == "__main__":
    main()
