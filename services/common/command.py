"""The parts of a command line that the services share."""

from collections.abc import Callable
from typing import Any

import click
import structlog
from sqlalchemy.exc import ArgumentError

from services.common import logs
from services.common.app import Service, application
from services.common.database import Database, nothing, open_engine
from services.common.errors import UnavailableError
from services.common.server import listen_address, serve

log = structlog.get_logger()


def database_option(name: str) -> Callable[[Any], Any]:
    """`--database URL`: the service's own, never the monolith's."""
    return click.option(
        "--database",
        envvar="DATABASE_URL",
        show_envvar=True,
        default=f"sqlite:///.strangler/{name}.sqlite3",
        show_default=True,
        metavar="URL",
        help="The service's own database.",
    )


def listen_option(port: int) -> Callable[[Any], Any]:
    """`--listen HOST:PORT`."""
    return click.option(
        "--listen",
        default=f"127.0.0.1:{port}",
        show_default=True,
        metavar="HOST:PORT",
        callback=_address,
        help="Where to answer; port 0 takes a free one and logs it.",
    )


def run_serve(service: Service, database: str, listen: tuple[str, int]) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    logs.configure()
    opened = _open(service, database)
    try:
        serve(application(service, opened), service.name, *listen)
    except OSError as error:
        raise click.ClickException(f"{listen[0]}:{listen[1]}: {error.strerror}") from error


def run_schema(service: Service, database: str) -> None:
    """Create whatever tables are missing; a database that does not answer is exit code 1."""
    logs.configure()
    opened = _open(service, database)
    try:
        opened.now(nothing)
    except UnavailableError as error:
        raise click.ClickException(f"{error} No table was created.") from error
    finally:
        opened.close()
    log.info("schema_created", service=service.name, tables=sorted(service.metadata.tables))


def _open(service: Service, database: str) -> Database:
    try:
        return Database(open_engine(database), service.metadata)
    except (ArgumentError, ValueError) as error:
        raise click.ClickException(f"DATABASE_URL cannot be used: {error}") from error


def _address(_context: click.Context, _option: click.Parameter, text: str) -> tuple[str, int]:
    try:
        return listen_address(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
