"""Which route takes a request and which upstream it goes to, from the code that serves traffic."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from strangler.config.model import Redirect, Respond, Route, Split, Table
from strangler.routing.choose import Chooser
from strangler.routing.cookie import ProxyCookies
from strangler.routing.table import AMBIGUOUS, NO_ROUTE, RoutingTable


@dataclass(frozen=True, slots=True)
class Request:
    """The request that is asked about."""

    method: str
    target: str
    """A path with its query, or a whole URL, whose host then counts."""
    headers: tuple[tuple[str, str], ...] = ()
    client: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Considered:
    """One route and why it was or was not taken."""

    route: str
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a request goes and why."""

    version: int
    method: str
    target: str
    route: str
    """The route's name; empty if none takes the request."""
    action: str
    """What happens, in words."""
    group: str = ""
    upstream: str = ""
    """Empty if no upstream is asked."""
    endpoints: tuple[str, ...] = ()
    reason: str = ""
    """Why this upstream: fixed, bucket, allow, deny, forced, kill, default."""
    bucket: int = -1
    """0..9999, or -1 if no bucket was looked at."""
    shares: tuple[tuple[str, int], ...] = ()
    considered: tuple[Considered, ...] = ()


def explain(table: Table, request: Request, cookie_key: bytes) -> Explanation:
    """What the gateway does with a request under that table."""
    host, path, query = _parts(request)
    headers = _raw(request.headers)
    asked = (request.method.upper().encode(), host, path, query, headers)
    routing = RoutingTable(table.routes)
    considered = tuple(
        Considered(table.routes[route].name, reason) for route, reason in routing.explain(*asked)
    )
    index = routing.match(*asked)
    if index < 0:
        return _without_route(table, request, index, considered)
    route = table.routes[index]
    found = Explanation(
        version=table.version,
        method=request.method.upper(),
        target=request.target,
        route=route.name,
        action="",
        group=route.group,
        considered=considered,
    )
    match route.action:
        case Redirect() as redirect:
            return replace(found, action=f"is redirected with status {redirect.status}")
        case Respond() as respond:
            return replace(found, action=f"is answered {respond.status} by the gateway itself")
        case Split(shares):
            cookies = ProxyCookies(table.gateway.cookie, cookie_key)
            return _with_choice(found, table, route, shares, (headers, request.client, cookies))


def _with_choice(
    found: Explanation,
    table: Table,
    route: Route,
    shares: tuple[tuple[str, int], ...],
    asked: tuple[list[tuple[bytes, bytes]], str, ProxyCookies],
) -> Explanation:
    headers, client, cookies = asked
    cookie = b"; ".join(value for name, value in headers if name == b"cookie")
    chooser = Chooser(route, table.groups[route.group])
    choice = chooser.choose(
        headers, cookie, client.encode(), cookies, lambda: secrets.randbits(128)
    )
    upstream = chooser.upstreams[choice.upstream]
    new = " (a new visitor: the draw is random)" if choice.new_cookie else ""
    return replace(
        found,
        action=f"goes to {upstream}{new}",
        upstream=upstream,
        endpoints=_endpoints(table, upstream),
        reason=str(choice.reason),
        bucket=choice.bucket,
        shares=shares,
    )


def _without_route(
    table: Table, request: Request, index: int, considered: tuple[Considered, ...]
) -> Explanation:
    assert index in {NO_ROUTE, AMBIGUOUS}
    ambiguous = index == AMBIGUOUS
    return Explanation(
        version=table.version,
        method=request.method.upper(),
        target=request.target,
        route="",
        action=(
            "is refused with 400 ambiguous_path: servers may read this path in different ways"
            if ambiguous
            else f"goes to {table.default}, as no route takes it"
        ),
        upstream="" if ambiguous else table.default,
        endpoints=() if ambiguous else _endpoints(table, table.default),
        reason="ambiguous" if ambiguous else "default",
        considered=considered,
    )


def _endpoints(table: Table, upstream: str) -> tuple[str, ...]:
    return tuple(str(endpoint) for endpoint in table.upstreams[upstream].endpoints)


def _parts(request: Request) -> tuple[bytes, bytes, bytes]:
    """Host, path and query as the data plane would see them."""
    target = request.target
    host = next((value for name, value in request.headers if name.lower() == "host"), "")
    if target.startswith(("http://", "https://")):
        url = urlsplit(target)
        host = url.netloc
        target = target[target.index(url.netloc) + len(url.netloc) :] or "/"
    path, _, query = target.partition("#")[0].partition("?")
    return host.lower().encode(), _bytes(path), _bytes(query)


def _raw(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(_bytes(name.lower()), _bytes(value)) for name, value in headers]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
