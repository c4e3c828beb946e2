"""From a request to its route.

The precedence is total. Host: exact, then wildcards from the longest, then any. Path: exact,
template (more segments of text first, then text at the earlier position), longest prefix, regex in
file order, any path. Then: with methods before without, more header conditions, more query
conditions, more cookie conditions, file order. A candidate that fails on another condition gives
way to the next, also across kinds of path and hosts. GET takes HEAD.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from strangler.config.model import Route
from strangler.routing.explain import AMBIGUOUS_PATH, unmet
from strangler.routing.fields import Headers
from strangler.routing.hosts import LONGEST_HOST, host_levels, normal_host
from strangler.routing.index import Entry, PathIndex
from strangler.routing.paths import is_plain, readings
from strangler.routing.rewrite import route_rewrite

NO_ROUTE = -1
"""No route takes the request: it belongs to the default upstream."""
AMBIGUOUS = -2
"""Servers may read the path in ways that lead to different routes: 400 `ambiguous_path`."""

_HOSTS_KEPT = 1024
"""Host values whose levels are remembered; clients choose them, so the memory is bounded."""


MATCHES = "matches"


class Considered(NamedTuple):
    """What became of one route in `RoutingTable.explain`."""

    route: int
    """Index into the routes."""
    reason: str
    """MATCHES, or why another route or none was taken."""


class RoutingTable:
    """Routes compiled for matching; immutable but for a bounded memory of hosts."""

    __slots__ = ("_any_host", "_by_host", "_levels", "_rewrites", "_routes")

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = tuple(routes)
        entries: dict[str | None, list[Entry]] = {}
        for index, route in enumerate(self._routes):
            host = route.match.host
            key = None if host is None else normal_host(host.encode("utf-8", "surrogateescape"))
            entries.setdefault(key, []).append((index, route.match))
        anywhere = entries.pop(None, None)
        self._any_host: tuple[PathIndex, ...] = (PathIndex(anywhere),) if anywhere else ()
        self._by_host = {
            host: PathIndex(group) for host, group in entries.items() if host is not None
        }
        self._levels: dict[bytes, tuple[PathIndex, ...]] = {}
        self._rewrites = tuple(route_rewrite(route) for route in self._routes)

    def match(self, method: bytes, host: bytes, path: bytes, query: bytes, headers: Headers) -> int:
        """Index of the route that takes the request, NO_ROUTE or AMBIGUOUS; never raises.

        `host` is the Host header's value (a port is ignored), `path` the raw bytes before `?`,
        `query` those after it, `headers` raw pairs with lower-cased names.
        """
        levels = self._any_host
        if self._by_host:
            known = self._levels.get(host)
            levels = self._find_levels(host) if known is None else known
        if not is_plain(path):
            return self._match_readings(levels, method, path, query, headers)
        for level in levels:
            route = level.match(method, path, query, headers)
            if route >= 0:
                return route
        return NO_ROUTE

    def explain(
        self, method: bytes, host: bytes, path: bytes, query: bytes, headers: Headers
    ) -> list[Considered]:
        """Every route in file order with the reason why it was or was not taken."""
        winner = self.match(method, host, path, query, headers)

        def takes(alone: Route) -> bool | None:
            found = RoutingTable([alone]).match(method, host, path, query, headers)
            return None if found == AMBIGUOUS else found == 0

        outranked = AMBIGUOUS_PATH
        if winner >= 0:
            outranked = f"matches too, but {self._routes[winner].name} comes first by precedence"
        return [
            Considered(index, MATCHES if index == winner else unmet(route, takes) or outranked)
            for index, route in enumerate(self._routes)
        ]

    def _find_levels(self, host: bytes) -> tuple[PathIndex, ...]:
        names: Iterable[str] = host_levels(normal_host(host))
        levels = tuple(self._by_host[name] for name in names if name in self._by_host)
        levels += self._any_host
        if len(host) <= LONGEST_HOST:
            if len(self._levels) >= _HOSTS_KEPT:
                self._levels.clear()
            self._levels[host] = levels
        return levels

    def _match_readings(
        self,
        levels: tuple[PathIndex, ...],
        method: bytes,
        path: bytes,
        query: bytes,
        headers: Headers,
    ) -> int:
        found = readings(path)
        routes = {_first(levels, method, reading, query, headers) for reading in found}
        if len(routes) != 1:
            return AMBIGUOUS
        route = routes.pop()
        rewrite = None if route < 0 else self._rewrites[route]
        return AMBIGUOUS if rewrite is not None and not rewrite.is_clear(found) else route


def _first(
    levels: tuple[PathIndex, ...], method: bytes, path: bytes, query: bytes, headers: Headers
) -> int:
    for level in levels:
        route = level.match(method, path, query, headers)
        if route >= 0:
            return route
    return NO_ROUTE
