"""A table version compiled for the request path: everything that can be prepared is.

`LiveTable` is what a worker serves from and is swapped whole. `RoutePlan` says what happens to
the requests of one route, `Side` is one upstream as that route uses it. A request keeps the plan
it was matched to until its last byte, whatever version goes live meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from strangler.config.model import (
    DEFAULT_TIMEOUTS,
    Buffering,
    Group,
    HeaderRules,
    IdentityKind,
    Match,
    Redirect,
    Respond,
    Rewrite,
    Route,
    Split,
    Table,
)
from strangler.proxy import wire
from strangler.proxy.counters import DEFAULT_ROUTE, NO_UPSTREAM, OTHER
from strangler.proxy.deadlines import NO_DEADLINE
from strangler.proxy.pool import authority
from strangler.routing.choose import Chooser
from strangler.routing.edit import Lines, line_editor
from strangler.routing.redirect import CompiledRedirect
from strangler.routing.rewrite import CompiledRewrite, route_rewrite
from strangler.routing.table import RoutingTable

if TYPE_CHECKING:
    from strangler.proxy.pool import UpstreamPool


class Side:
    """One upstream as one route uses it."""

    def __init__(
        self, route: Route, table: Table, pool: UpstreamPool, series: Mapping[tuple[str, str], int]
    ) -> None:
        upstream = table.upstreams[pool.name]
        timeouts = route.timeouts.over(upstream.timeouts).over(DEFAULT_TIMEOUTS)
        self.name: Final = pool.name
        self.pool: Final = pool
        self.base: Final = series.get((route.name, pool.name), OTHER)
        """First counter cell of the series (route, upstream)."""
        self.buffering: Final = upstream.request_buffering or Buffering.OFF
        self.host: Final = {"keep": None, "endpoint": b""}.get(
            upstream.host, upstream.host.encode("latin-1")
        )
        """None: the client's Host; empty: the endpoint's own; else this one."""
        self.connect: Final = timeouts.connect or NO_DEADLINE
        self.first_byte: Final = timeouts.first_byte or NO_DEADLINE
        self.idle: Final = timeouts.idle or NO_DEADLINE
        self.total: Final = timeouts.total or NO_DEADLINE
        self.via: Final = b"Via: 1.1 " + table.gateway.via.encode("latin-1") + b"\r\n"
        label = table.gateway.route_header
        self.route_line: Final = (
            b"%b: %b\r\n"
            % (label.encode(), f"{route.name};{pool.name};v{table.version}".encode("latin-1"))
            if label
            else b""
        )
        self.answer_tail: Final = self.route_line + self.via
        """What is added to every answer."""
        self.plain_tail: Final = self.answer_tail + b"\r\n"
        """The same with the empty line, for answers that need nothing else."""


class RoutePlan:
    """What happens to the requests of one route under one table version."""

    def __init__(
        self,
        route: Route,
        table: Table,
        pools: Mapping[str, UpstreamPool],
        series: Mapping[tuple[str, str], int],
    ) -> None:
        self.name: Final = route.name
        self.version: Final = table.version
        self.group: Final = route.group
        self.pseudonym: Final = table.gateway.via.encode("latin-1")
        self.body_limit: Final = _or_unlimited(route.body_limit, table.gateway.limits.body)
        self.reads_headers: Final = _reads_headers(table.groups[route.group])
        """Its choices look at header fields other than Cookie."""
        self.has_streams: Final = bool(route.sync)
        self.fenced: Final = any(fence.group == route.group for fence in table.fences)
        self.rewrite: Final = None if self._answers(route) else route_rewrite(route)
        self.edit_request: Final = _editor(route.request_headers)
        self.edit_response: Final = _editor(route.response_headers)
        self.redirect: Final = (
            CompiledRedirect(route.action, route.match)
            if isinstance(route.action, Redirect)
            else None
        )
        self.answer: Final = _fixed(route.action) if isinstance(route.action, Respond) else None
        self.status: Final = route.action.status if not isinstance(route.action, Split) else 0
        self.base: Final = series.get((route.name, NO_UPSTREAM), OTHER)
        """Counter cells of answers that the gateway gives itself."""
        added = self.edit_response([]) if self.edit_response else []
        self.own_lines: Final = b"".join(line + b"\r\n" for line in added)
        """What the route's rules add to such an answer."""
        self.chooser: Chooser | None = None
        self.sides: tuple[Side, ...] = ()
        self.fixed: Side | None = None
        """The side of every request, where there is nothing to choose."""
        if isinstance(route.action, Split):
            self.chooser = Chooser(route, table.groups[route.group])
            self.sides = tuple(
                Side(route, table, pools[name], series) for name in self.chooser.upstreams
            )
            if self.chooser.fixed is not None:
                self.fixed = self.sides[self.chooser.fixed]
        moved = any(side.host is not None for side in self.sides)
        self.maps_back: Final = self.rewrite or (CompiledRewrite(Rewrite()) if moved else None)
        """Undoes in Location and Set-Cookie what was done to path and host."""
        self.origins: Final = frozenset(
            (b"https://" if e.tls else b"http://") + authority(e)
            for side in self.sides
            for e in table.upstreams[side.name].endpoints
            if e.unix is None
        )
        """Where a Location may point that must be mapped back."""
        self.hosts: Final = frozenset(origin.partition(b"://")[2] for origin in self.origins)

    @staticmethod
    def _answers(route: Route) -> bool:
        """The gateway answers itself."""
        return not isinstance(route.action, Split)


class LiveTable:
    """One table version, ready to serve."""

    def __init__(
        self,
        table: Table,
        pools: Mapping[str, UpstreamPool],
        series: Mapping[tuple[str, str], int],
    ) -> None:
        self.table: Final = table
        self.version: Final = table.version
        self.gateway: Final = table.gateway
        self.routing: Final = RoutingTable(table.routes)
        default = _default_route(table)
        with_default = {**table.groups, default.group: Group(DEFAULT_ROUTE, DEFAULT_ROUTE)}
        whole = Table(
            version=table.version,
            upstreams=table.upstreams,
            default=table.default,
            groups=with_default,
            gateway=table.gateway,
            fences=table.fences,
        )
        self.plans: Final = [RoutePlan(r, whole, pools, series) for r in (*table.routes, default)]
        """By route index; -1 (`NO_ROUTE`) is the default upstream's."""
        self.fenced: Final = frozenset(fence.group for fence in table.fences)
        self.reads_headers: Final = any(
            route.match.headers or route.match.cookies for route in table.routes
        )


def _reads_headers(group: Group) -> bool:
    return group.force.header is not None or any(
        source.kind is IdentityKind.HEADER for source in group.identity
    )


def _default_route(table: Table) -> Route:
    return Route(
        name=DEFAULT_ROUTE,
        match=Match(),
        action=Split(((table.default, 10000),)),
        group=DEFAULT_ROUTE,
        old=table.default,
    )


def _or_unlimited(own: int | None, gateway: int) -> int:
    limit = gateway if own is None else own
    return limit or 1 << 62


def _editor(rules: HeaderRules) -> Callable[[Lines], Lines] | None:
    if not (rules.remove or rules.set or rules.add):
        return None
    return line_editor(rules)


def _fixed(action: Respond) -> tuple[bytes, bytes]:
    """Head (without Connection, rules and the empty line) and body."""
    body = action.body.encode()
    head = wire.STATUS_LINES.get(action.status) or b"HTTP/1.1 %d \r\n" % action.status
    kind = f"Content-Type: {action.content_type}\r\n".encode("latin-1") if body else b""
    if action.status not in (204, 304):
        kind += b"Content-Length: %d\r\n" % len(body)
    return head + kind, body
