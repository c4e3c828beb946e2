"""The reverse proxy a Python user would write: aiohttp's server and client, streaming both ways.

`python -m bench.peers.aiohttp_proxy PORT OLD_PORT NEW_PORT ROUTES CANARY_PERCENT`

It runs on uvloop with the access log off, keeps one pooled session, passes bodies on as they
come and leaves compressed answers alone. The routes are a dict from the first path segment.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import uuid
from collections.abc import AsyncIterator

import uvloop
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from multidict import CIMultiDict, CIMultiDictProxy

from bench.setup import COOKIE, prefix

HOP_BY_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    )
)


class ReverseProxy:
    """Sends each request to the side its route and cookie say."""

    def __init__(self, old: str, new: str, routes: int, percent: int) -> None:
        self.old, self.new, self.percent = old, new, percent
        self.routes = {prefix(n)[1:]: percent for n in range(routes)}
        """First path segment -> percent of the new side."""

    async def session(self, _app: web.Application) -> AsyncIterator[None]:
        """One client session for the life of the application."""
        async with ClientSession(
            connector=TCPConnector(limit=0, keepalive_timeout=600),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None, sock_connect=5, sock_read=60),
            auto_decompress=False,
        ) as self.client:
            yield

    def side(self, request: web.Request) -> str:
        """The origin that serves this request."""
        percent = self.routes.get(request.path.split("/", 2)[1], 0)
        if not percent:
            return self.old
        identity = request.cookies.get(COOKIE, "")
        digest = hashlib.blake2b(identity.encode(), digest_size=8).digest()
        return self.new if int.from_bytes(digest) % 100 < percent else self.old

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One exchange."""
        async with self.client.request(
            request.method,
            self.side(request) + request.raw_path,
            headers=forwarded(request),
            data=request.content if request.body_exists else None,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
        ) as upstream:
            answer = web.StreamResponse(
                status=upstream.status, headers=end_to_end(upstream.headers)
            )
            await answer.prepare(request)
            async for block in upstream.content.iter_any():
                await answer.write(block)
            await answer.write_eof()
            return answer


def end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """The headers without those that concern one connection only."""
    return CIMultiDict((n, v) for n, v in headers.items() if n.lower() not in HOP_BY_HOP)


def forwarded(request: web.Request) -> CIMultiDict[str]:
    """The headers sent upstream."""
    headers = end_to_end(request.headers)
    headers["X-Forwarded-For"] = request.remote or ""
    headers["X-Forwarded-Proto"] = request.scheme
    headers["X-Forwarded-Host"] = request.host
    headers["X-Request-ID"] = uuid.uuid4().hex
    return headers


async def serve(port: int, old: int, new: int, routes: int, percent: int) -> None:
    """Serve until the process is ended."""
    origins = (f"http://127.0.0.1:{old}", f"http://127.0.0.1:{new}")
    proxy = ReverseProxy(*origins, routes, percent)
    app = web.Application()
    app.cleanup_ctx.append(proxy.session)
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=600)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=2048).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(*map(int, sys.argv[1:6])))
