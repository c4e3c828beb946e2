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
from strangler.routing.split import BUCKETS
from strangler.routing.table import RoutingTable

if TYPE_CHECKING:
    from strangler.proxy.pool import UpstreamPool


class Side:
    """One upstream as one route uses it."""

    def __init__(self, route: Route, pool: UpstreamPool, live: LiveTable) -> None:
        upstream = live.upstreams[pool.name]
        timeouts = route.timeouts.over(upstream.timeouts).over(DEFAULT_TIMEOUTS)
        self.name: Final = pool.name
        self.pool: Final = pool
        self.base: Final = live.series.get((route.name, pool.name), OTHER)
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
        self.via: Final = b"Via: 1.1 " + live.gateway.via.encode("latin-1") + b"\r\n"
        self.route_line: Final = live.route_line(route.name, pool.name)
        self.answer_tail: Final = self.route_line + self.via
        """What is added to every answer."""
        self.plain_tail: Final = self.answer_tail + b"\r\n"
        """The same with the empty line, for answers that need nothing else."""


class RoutePlan:
    """What happens to the requests of one route under one table version."""

    def __init__(self, route: Route, group: Group, live: LiveTable) -> None:
        self.name: Final = route.name
        self.version: Final = live.version
        self.group: Final = route.group
        self.pseudonym: Final = live.gateway.via.encode("latin-1")
        self.body_limit: Final = _or_unlimited(route.body_limit, live.gateway.limits.body)
        self.reads_headers: Final = _reads_headers(group)
        """Its choices look at header fields other than Cookie."""
        self.reads_address: Final = any(
            source.kind is IdentityKind.CLIENT_IP for source in group.identity
        )
        """Its choices look at the client's address."""
        self.has_streams: Final = route.group in live.streaming
        self.fenced: Final = route.group in live.fenced
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
        self.base: Final = live.series.get((route.name, NO_UPSTREAM), OTHER)
        """Counter cells of answers that the gateway gives itself."""
        added = self.edit_response([]) if self.edit_response else []
        self.route_line: Final = live.route_line(route.name, NO_UPSTREAM)
        self.own_lines: Final = b"".join(line + b"\r\n" for line in added) + self.route_line
        """What the route's rules, and the route header, add to such an answer."""
        self.chooser: Chooser | None = None
        self.sides: tuple[Side, ...] = ()
        self.owner: Side | None = None
        """Where the writes of a group with streams go, whatever list or header says otherwise:
        only a change of owner may move them."""
        self.fixed: Side | None = None
        """The side of every request, where there is nothing to choose."""
        if isinstance(route.action, Split):
            self.chooser = Chooser(route, group)
            self.sides = tuple(
                Side(route, live.pools[name], live) for name in self.chooser.upstreams
            )
            if self.chooser.fixed is not None:
                self.fixed = self.sides[self.chooser.fixed]
            whole = [name for name, share in route.action.shares if share == BUCKETS]
            if self.has_streams and whole and not group.kill:
                self.owner = self.sides[self.chooser.upstreams.index(whole[0])]
        moved = any(side.host is not None for side in self.sides)
        self.maps_back: Final = self.rewrite or (CompiledRewrite(Rewrite()) if moved else None)
        """Undoes in Location and Set-Cookie what was done to path and host."""
        self.origins: Final = frozenset(
            (b"https://" if e.tls else b"http://") + authority(e)
            for side in self.sides
            for e in live.upstreams[side.name].endpoints
            if e.unix is None
        )
        """Where a Location may point that must be mapped back."""
        self.hosts: Final = frozenset(origin.partition(b"://")[2] for origin in self.origins)

    @staticmethod
    def _answers(route: Route) -> bool:
        """The gateway answers itself."""
        return not isinstance(route.action, Split)


class LiveTable:
    """One table version, ready to serve.

    A route's plan is made when its first request comes: a worker must not stand still while ten
    thousand of them are made, most of which it will never need. What could fail in making one is
    ruled out when the table is checked.
    """

    def __init__(
        self,
        table: Table,
        pools: Mapping[str, UpstreamPool],
        series: Mapping[tuple[str, str], int],
    ) -> None:
        self.version: Final = table.version
        self.gateway: Final = table.gateway
        self.routing: Final = RoutingTable(table.routes)
        self.fenced: Final = frozenset(fence.group for fence in table.fences)
        self.streaming: Final = frozenset(route.group for route in table.routes if route.sync)
        """Groups whose data is kept in step by streams."""
        self.reads_headers: Final = any(
            route.match.headers or route.match.cookies for route in table.routes
        )
        self.pools: Final = pools
        self.series: Final = series
        self.upstreams: Final = table.upstreams
        self._routes: Final = (*table.routes, _default_route(table))
        self._groups: Final = table.groups
        self.plans: Final[list[RoutePlan | None]] = [None] * len(self._routes)
        """By route index; None until `plan` has made it."""

    def route_line(self, route: str, upstream: str) -> bytes:
        """The response header that tells who answered, or nothing where it is off."""
        name = self.gateway.route_header
        if not name:
            return b""
        return f"{name}: {route};{upstream};v{self.version}\r\n".encode("latin-1")

    def plan(self, index: int) -> RoutePlan:
        """What happens to requests of a route; -1 (`NO_ROUTE`) is the default upstream's."""
        plan = self.plans[index]
        if plan is None:
            route = self._routes[index]
            group = self._groups.get(route.group) or Group(route.group, route.group)
            plan = self.plans[index] = RoutePlan(route, group, self)
        return plan


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
