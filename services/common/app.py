"""An aiohttp application around one service's routes: probes, failures, headers, its database."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy import MetaData, Table

from services.common.answers import error_answer, json_answer
from services.common.database import Database, nothing
from services.common.errors import UnavailableError
from services.common.failures import failures
from services.common.filled import unfilled
from services.common.html import TEMPLATES, templates
from services.common.requests import finish_headers, naming

log = structlog.get_logger()

DATABASE: Final = web.AppKey("database", Database)


@dataclass(frozen=True, slots=True)
class Service:
    """What makes one service: its routes and the tables behind them."""

    name: str
    """One word, for the log and the command line."""
    folder: Path
    """Its package; `templates/` is below."""
    routes: Sequence[web.RouteDef]
    metadata: MetaData
    """The tables that the service creates."""
    copied: Sequence[Table]
    """Those among them that hold copies of the monolith's rows, and must be filled to be of use."""


def application(service: Service, database: Database) -> web.Application:
    """The application; its tables are created when it starts, the database is closed at its end."""
    slashes = web.normalize_path_middleware(
        append_slash=True, merge_slashes=False, redirect_class=web.HTTPMovedPermanently
    )
    app = web.Application(middlewares=[naming, failures, slashes])
    app[TEMPLATES] = templates(service.folder / "templates")
    app[DATABASE] = database
    app.cleanup_ctx.append(_database)
    app.on_response_prepare.append(finish_headers)
    app.add_routes([*service.routes, web.get("/healthz", _healthz)])
    app.add_routes([web.get("/readyz", _readyz(service))])
    return app


async def _database(app: web.Application) -> AsyncIterator[None]:
    try:
        await app[DATABASE].run(nothing)
    except UnavailableError as error:
        log.warning("database_unavailable", cause=str(error.__cause__))
    yield
    app[DATABASE].close()


async def _healthz(_request: web.Request) -> web.Response:
    """Whether the process answers."""
    return json_answer({"status": "ok"})


def _readyz(service: Service) -> Handler:
    async def readyz(request: web.Request) -> web.StreamResponse:
        """Whether requests are welcome: the database answers and was filled."""
        names = await request.app[DATABASE].run(unfilled, service.copied)
        if names:
            detail = f"Not filled yet: {', '.join(names)}. Is the stream that copies them running?"
            return error_answer(503, "not_filled", detail)
        return json_answer({"status": "ready"})

    return readyz
