"""The admin port: the API, the metrics, and whether this gateway is well."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from strangler.admin.answers import as_json
from strangler.admin.calls import CALLS, perform
from strangler.admin.failures import STATUSES, Failure, Kind
from strangler.admin.guard import Guard, Head
from strangler.admin.operations import Operations
from strangler.admin.working_copy import WorkingCopy
from strangler.proxy.listener import parse_address
from strangler.telemetry.prometheus import CONTENT_TYPE

BODY_LIMIT = 32 * 1024 * 1024
"""A table of 10,000 routes takes about 3 MB."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application speaks for."""

    operations: Operations
    guard: Guard
    file: WorkingCopy | None
    """Follows every change; None where the store is shared and no file is watched."""
    identity: Mapping[str, str]
    changed: Callable[[], None]
    """Told after a change, so that it goes live at once rather than with the next look."""
    ready: Callable[[], bool]
    metrics: Callable[[], str]


def application(parts: Parts) -> web.Application:
    """The aiohttp application."""
    app = web.Application(client_max_size=BODY_LIMIT, middlewares=[_failures])
    api = _Api(parts)
    app.router.add_get("/healthz", api.healthy)
    app.router.add_get("/readyz", api.ready)
    app.router.add_get("/metrics", api.metrics)
    app.router.add_get("/api/identity", api.identity)
    app.router.add_get("/api/versions/{number}", api.version)
    for name, call in CALLS.items():
        app.router.add_route(call.method, f"/api/{name}", api.handler(name))
    return app


@asynccontextmanager
async def listening(app: web.Application, address: str) -> AsyncIterator[None]:
    """Serve the application on `HOST:PORT` or `unix:/PATH`; raises `Failure` if it cannot."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await _site(runner, address).start()
        except OSError as error:
            raise Failure(
                Kind.REFUSED, f"the admin address {address} cannot be had: {error}"
            ) from error
        log.info("admin_listening", address=address)
        yield
    finally:
        await runner.cleanup()


def _site(runner: web.AppRunner, address: str) -> web.BaseSite:
    if address.startswith("unix:"):
        return web.UnixSite(runner, address.removeprefix("unix:"))
    return web.TCPSite(runner, *parse_address(address))


class _Api:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def healthy(self, _request: web.Request) -> web.Response:
        """The control plane answers. No guard: load balancers ask this."""
        return web.Response(text="ok\n")

    async def ready(self, _request: web.Request) -> web.Response:
        """Workers serve a table. No guard, as above."""
        ready = self._parts.ready()
        return web.Response(
            text="ready\n" if ready else "not ready\n", status=200 if ready else 503
        )

    async def metrics(self, request: web.Request) -> web.Response:
        """Prometheus text."""
        self._admit(request, changes=False)
        return web.Response(
            body=self._parts.metrics().encode(),
            headers={"Content-Type": CONTENT_TYPE},
        )

    async def identity(self, request: web.Request) -> web.Response:
        """Which store and which file this gateway serves."""
        self._admit(request, changes=False)
        return web.json_response(dict(self._parts.identity))

    async def version(self, request: web.Request) -> web.Response:
        """One version with its text."""
        self._admit(request, changes=False)
        body = {"number": request.match_info["number"]}
        return web.json_response(await self._perform("version", body))

    def handler(self, name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        """The handler of a call."""

        async def handle(request: web.Request) -> web.Response:
            call = CALLS[name]
            author = self._admit(request, changes=call.changes)
            body = dict(request.query) if call.method == "GET" else await _body(request)
            if author is not None and "author" in body:
                body["author"] = author
            answer = await self._perform(name, body)
            if call.changes and not answer["dry_run"]:
                answer["file"] = await asyncio.to_thread(self._follow, answer)
                self._parts.changed()
            return web.json_response(answer)

        return handle

    async def _perform(self, name: str, body: Mapping[str, Any]) -> Any:
        return await asyncio.to_thread(perform, self._parts.operations, name, body)

    def _follow(self, answer: Mapping[str, Any]) -> Any:
        file = self._parts.file
        return as_json(file.follow(answer["previous_text"], answer["text"])) if file else None

    def _admit(self, request: web.Request, *, changes: bool) -> str | None:
        head = Head(
            method=request.method,
            host=request.headers.get("Host", ""),
            origin=request.headers.get("Origin"),
            authorization=request.headers.get("Authorization"),
            content_type=request.content_type,
        )
        return self._parts.guard.admit(head, changes=changes)


@web.middleware
async def _failures(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """A `Failure` as JSON with its status; anything else is a defect, logged and told as one."""
    try:
        return await handler(request)
    except Failure as failure:
        return web.json_response(failure.as_json(), status=STATUSES[failure.kind])
    except web.HTTPException as error:
        kind = Kind.NOT_FOUND if error.status == web.HTTPNotFound.status_code else Kind.USAGE
        told = Failure(kind, f"{request.method} {request.path}: {error.reason}")
        return web.json_response(told.as_json(), status=error.status)
    except Exception:
        log.exception("admin_request_failed", method=request.method, path=request.path)
        defect = Failure(Kind.UNAVAILABLE, "a defect in the gateway; its log says more")
        return web.json_response(defect.as_json(), status=500)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except (ValueError, LookupError, RecursionError) as error:  # text, charset or depth
        raise Failure(Kind.USAGE, "the body is no JSON") from error
    if not isinstance(body, dict):
        raise Failure(Kind.USAGE, "the body must be a JSON object")
    return body
