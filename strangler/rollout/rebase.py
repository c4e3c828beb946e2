"""Carrying a file's edits onto the table that went live meanwhile.

A three-way merge by keys: upstreams, groups and streams by name, routes by `name`, everything
else by its key. What only one side changed is taken from that side; what both changed differently
is a conflict, named and never guessed. The data is merged first, then the file's text is brought
to it with as few splices as possible, so that comments and layout stay; the result is read back,
and a text that does not say exactly the merged data is never handed out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from strangler.config.edit import set_version
from strangler.kit.problems import ConfigError
from strangler.rollout.document import Document, Value, document, same, version_of
from strangler.rollout.splice import bring_to

Prefer: TypeAlias = Literal["file", "live"]
Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge came to."""

    text: str | None
    """The file's text on top of the live one; None if there are conflicts."""
    conflicts: tuple[str, ...] = ()
    """The places that both sides changed, as `routes.reviews.split`."""


@dataclass(slots=True)
class _Merge:
    prefer: Prefer | None
    conflicts: list[str] = field(default_factory=list)

    def value(self, base: Value, mine: Value, live: Value, path: Path) -> Value:
        """One value; the split of a route is one, as shares of two sides never add up."""
        if mine in (base, live):
            return live
        if live == base:
            return mine
        if path[-1:] == (_ACTION,) or not (isinstance(mine, dict) and isinstance(live, dict)):
            return self._conflict(mine, live, path)
        inner = base if isinstance(base, dict) else {}
        if path[:1] == ("routes",) and len(path) == 2:
            return self._route(inner, mine, live, path)
        return self._keys(inner, mine, live, path)

    def _keys(self, base: Document, mine: Document, live: Document, path: Path) -> Document:
        merged = {key: self._key(key, (base, mine, live), (*path, key)) for key in {**mine, **live}}
        return {key: value for key, value in merged.items() if value is not _GONE}

    def _key(self, key: str, sides: tuple[Document, Document, Document], path: Path) -> Value:
        before, mine, live = (side.get(key, _GONE) for side in sides)
        if path == ("version",):
            return mine
        if mine is not _GONE and live is not _GONE:
            return self.value(before, mine, live, path)
        if mine is live or mine == before:
            return live
        return mine if live == before else self._conflict(mine, live, path)

    def _route(self, base: Document, mine: Document, live: Document, path: Path) -> Document:
        """What takes the traffic is one value, however it is written."""
        merged = self._keys(_joined(base), _joined(mine), _joined(live), path)
        action = merged.pop(_ACTION, {})
        assert isinstance(action, dict)
        return {**merged, **action}

    def _conflict(self, mine: Value, live: Value, path: Path) -> Value:
        if self.prefer is None:
            self.conflicts.append(".".join(path))
        return live if self.prefer == "live" else mine


_GONE: Value = ["this key is not there"]
_ACTION = "split"
_ACTIONS = ("upstream", "split", "redirect", "respond")


def merge(base: str, mine: str, live: str, prefer: Prefer | None = None) -> Merged:
    """The edits from `base` to `mine` on top of `live`; the version stays the one of `mine`.

    `prefer` decides conflicts. Raises ConfigError if a text cannot be read.
    """
    merging = _Merge(prefer)
    before, edited, theirs = (_by_name(document(text)) for text in (base, mine, live))
    merged = merging.value(before, edited, theirs, ())
    if _order_lost(before, edited, theirs, prefer):
        merging.conflicts.append("the order of the routes")
    if merging.conflicts:
        return Merged(None, tuple(merging.conflicts))
    assert isinstance(merged, dict)
    text = bring_to(mine, live, merged)
    if text is None or _by_name(document(text)) != merged:
        return Merged(None, ("the layout (anchors, or lists that both sides changed)",))
    return Merged(text)


def carry(base: str, mine: str, live: str) -> Merged:
    """A working copy after a change went live from `base` to `live`.

    A copy without edits becomes the live text. One with edits keeps them, and keeps its distance
    from the live number: an edit that was not yet meant to be applied is not applied by this.
    """
    number = version_of(live) or 0
    if mine == base:
        return Merged(live)
    try:
        merged = merge(base, mine, live)
    except ConfigError:
        return Merged(None, ("the file, which cannot be read as it is",))
    if merged.text is None or same(merged.text, live):
        return Merged(set_version(merged.text, number)) if merged.text else merged
    ahead = max(0, (version_of(mine) or 0) - (version_of(base) or 0))
    return Merged(set_version(merged.text, number + ahead))


def _order_lost(base: Document, mine: Document, live: Document, prefer: Prefer | None) -> bool:
    """Whether the live routes were put into another order, which no splice brings into a file."""
    names = [
        list(routes)
        for side in (base, mine, live)
        if isinstance(routes := side.get("routes"), dict)
    ]
    if prefer == "file" or len(names) < 3:
        return False
    common = set(names[0]).intersection(*names)
    before, ours, theirs = ([name for name in each if name in common] for each in names)
    return theirs not in (before, ours)


def _by_name(data: Document) -> Document:
    """The document with its routes as a mapping by name, where all have one."""
    routes = data.get("routes")
    if not isinstance(routes, list):
        return data
    named = {str(route.get("name")): route for route in routes if isinstance(route, dict)}
    return {**data, "routes": {**named}} if len(named) == len(routes) else data


def _joined(route: Document) -> Document:
    action: Document = {key: route[key] for key in _ACTIONS if key in route}
    return {**{key: value for key, value in route.items() if key not in _ACTIONS}, _ACTION: action}
