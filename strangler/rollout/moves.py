"""Canary, cutover and rollback as shares of a split.

A command on a route acts on its group, because the routes of a group share one bucket per
identity: a page, its assets and its API move together. A group may move its reads before its
writes, so a command on a route acts on the routes of the same phase.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from strangler.config.model import Route, Split, Table
from strangler.config.rules.source import may_read, may_write
from strangler.kit.problems import did_you_mean, listed
from strangler.kit.quantities import percent_text
from strangler.rollout.document import Document, routes_of, split_of

FULL = 10_000


class RefusedError(Exception):
    """A change that must not be made, with what to do instead."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The routes that a command moves."""

    group: str
    routes: tuple[Route, ...]
    """With a split; all of one phase unless the command named the group itself."""
    reads_only: bool
    stays: tuple[str, ...]
    """Routes of the group that the command leaves alone."""

    @property
    def names(self) -> tuple[str, ...]:
        """The routes' names."""
        return tuple(route.name for route in self.routes)

    @property
    def old(self) -> str:
        """The old side."""
        return self.routes[0].old

    @property
    def shares(self) -> dict[str, int]:
        """The split as it is, the old side included."""
        action = self.routes[0].action
        assert isinstance(action, Split)
        shares = dict(action.shares)
        shares.setdefault(self.old, 0)
        return shares

    @property
    def new(self) -> tuple[str, ...]:
        """The upstreams beside the old side."""
        return tuple(name for name in self.shares if name != self.old)

    def __str__(self) -> str:
        phase = "" if not self.stays else " (reads)" if self.reads_only else " (writes)"
        stays = f"; {', '.join(self.stays)} stay as they are" if self.stays else ""
        routes = f": {', '.join(self.names)}" if self.names != (self.group,) else ""
        return f"group {self.group}{phase}{routes}{stays}"


def scope_of(table: Table, name: str) -> Scope:
    """The routes that move with a route or that make up a group; raises `RefusedError`."""
    named = next((route for route in table.routes if route.name == name), None)
    group = named.group if named else name
    members = [route for route in table.routes if route.group == group]
    if not members:
        known = [route.name for route in table.routes] + list(table.groups)
        raise RefusedError(f"no route and no group is called {name}{did_you_mean(name, known)}")
    if named and not isinstance(named.action, Split):
        raise RefusedError(f"route {name} redirects or answers by itself: it has no split to move")
    moving = [route for route in members if isinstance(route.action, Split)]
    if named:
        moving = _moving_with(named, moving)
    if not moving:
        raise RefusedError(f"group {group} has no route with a split to move")
    scope = Scope(
        group=group,
        routes=tuple(moving),
        reads_only=not any(may_write(route) for route in moving),
        stays=tuple(route.name for route in members if route not in moving),
    )
    _refuse_writes_of_streams(scope, members)
    return scope


def _moving_with(named: Route, routes: list[Route]) -> list[Route]:
    """The routes that must agree with one: those of its phases, and of theirs in turn."""
    moving = [named]
    while True:
        reads = any(may_read(route) for route in moving)
        writes = any(may_write(route) for route in moving)
        more = [
            route
            for route in routes
            if (reads and may_read(route)) or (writes and may_write(route))
        ]
        if len(more) == len(moving):
            return more
        moving = more


def _refuse_writes_of_streams(scope: Scope, members: list[Route]) -> None:
    streams = sorted({stream for route in members for stream in route.sync})
    writes = [route.name for route in scope.routes if may_write(route)]
    if streams and writes:
        raise RefusedError(
            f"group {scope.group} has data in {listed(streams)}, and {listed(writes)} can write: "
            "moving writes without the fenced cutover could lose some, and the fenced cutover "
            "is not there yet. Move its reads (a route with `methods: [GET]`) until then"
        )


def canary(
    table: Table, scope: Scope, percent: int | None, to: Mapping[str, int]
) -> dict[str, int]:
    """The split with `percent` on the one new side, or with what `to` names; the rest stays old.

    All shares are hundredths. Raises `RefusedError`.
    """
    shares = scope.shares
    wanted = dict(to)
    if percent is not None:
        wanted[_only_new(scope, "PERCENT", "--to NAME=PERCENT")] = percent
    for name in wanted:
        _check_target(table, scope, name)
    shares.update(wanted)
    rest = FULL - sum(share for name, share in shares.items() if name != scope.old)
    if rest < 0:
        over = percent_text(FULL - rest)
        raise RefusedError(
            f"the new sides would get {over} % together: name lower shares with --to"
        )
    shares[scope.old] = rest
    return shares


def cutover(table: Table, scope: Scope, to: str | None) -> dict[str, int]:
    """100 % on the new side; raises `RefusedError`."""
    target = to or _only_new(scope, "`cutover`", "--to NAME")
    _check_target(table, scope, target)
    return _all_on(scope, target)


def rollback(scope: Scope, before: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """100 % on the side before; if the old side has all of it, the split stays.

    `before` are the scope's earlier splits, newest first.
    """
    holder = _holder(scope.shares)
    if holder == scope.old:
        return scope.shares
    earlier = (_holder(shares) for shares in before)
    side = next((name for name in earlier if name and name != holder), scope.old)
    return _all_on(scope, side)


def shares_of(data: Document, scope: Scope) -> dict[str, int] | None:
    """The scope's split in another version; None if its first route was not there."""
    return split_of(routes_of(data).get(scope.names[0]))


def _holder(shares: Mapping[str, int]) -> str | None:
    return next((name for name, share in shares.items() if share == FULL), None)


def _all_on(scope: Scope, target: str) -> dict[str, int]:
    shares = dict.fromkeys(scope.shares, 0)
    shares[target] = FULL
    return shares


def _only_new(scope: Scope, what: str, option: str) -> str:
    if len(scope.new) == 1:
        return scope.new[0]
    if not scope.new:
        raise RefusedError(
            f"{scope.names[0]} knows no side beside {scope.old}: say which with {option}"
        )
    raise RefusedError(
        f"{scope.names[0]} has several new sides ({', '.join(scope.new)}), so {what} alone "
        f"does not say which: use {option}"
    )


def _check_target(table: Table, scope: Scope, name: str) -> None:
    if name not in table.upstreams:
        raise RefusedError(f"no upstream is called {name}{did_you_mean(name, table.upstreams)}")
    if name == scope.old:
        raise RefusedError(
            f"{name} is the old side, which gets what the others leave: "
            f"`strangler rollback {scope.names[0]}` moves all to it"
        )


def cautions(table: Table, scope: Scope) -> tuple[str, ...]:
    """What makes a split act otherwise than its percentages say."""
    group = table.groups[scope.group]
    if group.kill:
        return (f"group {scope.group} has `kill: true`: all of it stays on {scope.old}",)
    return ()
