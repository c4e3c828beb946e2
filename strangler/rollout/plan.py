"""What a change of the route table changes, in the words of the vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from strangler.rollout.document import (
    Document,
    Value,
    routes_of,
    shares_text,
    split_of,
    unlike_parts,
)

T = TypeVar("T")
Key: TypeAlias = tuple[str, str]
"""(what, field), as ("route reviews", "split"); the field is empty for the thing as a whole."""

_NAMED = {"upstreams": "upstream", "groups": "group", "sync": "stream"}
_DEFAULT = ("table", "default upstream")
_ORDER = ("routes", "order")


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One difference between two tables."""

    what: str
    """`route NAME`, `upstream NAME`, `group NAME`, `gateway`, ..."""
    field: str
    """The field that differs; empty if the whole thing came or went."""
    before: str | None
    """None if it was not there."""
    after: str | None
    """None if it is not there any more."""

    def __str__(self) -> str:
        if not self.field:
            return f"{self.what}: {'added' if self.before is None else 'removed'}"
        before, after = (_shown(value) for value in (self.before, self.after))
        return f"{self.what}: {self.field} {before} -> {after}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A table version that a file may have been edited from."""

    number: int
    text: str


def diff(before: str, after: str) -> tuple[Change, ...]:
    """The differences between two texts; comments, layout and the version are none."""
    return diff_documents(*unlike_parts(before, after))


def diff_documents(before: Document, after: Document) -> tuple[Change, ...]:
    """The differences between two documents, upstreams first, then routes in file order."""
    old, new = _flat(before, after), _flat(after, before)
    changes = [
        Change(*key, before=old.get(key), after=new.get(key))
        for key in [*new, *(key for key in old if key not in new)]
        if old.get(key) != new.get(key)
    ]
    return tuple(_without_details(changes))


def takes_back(base: Document, mine: Document, live: Document) -> tuple[Change, ...]:
    """Changes made live since `base` that `mine` does not carry, as what making it live undoes."""
    since = {(change.what, change.field) for change in diff_documents(base, live)}
    undone = diff_documents(live, mine)
    whole = {what for what, field in since if not field}
    return tuple(
        change
        for change in undone
        if (change.what, change.field) in since
        or (not change.field and any(what == change.what for what, _ in since))
        or change.what in whole
    )


def nearest(mine: str, candidates: Iterable[Candidate]) -> Candidate | None:
    """The version a file was most likely edited from: the one it differs least from.

    A number says which version the author meant to follow, not which one they had before them:
    somebody who only counts on would else pass for having seen a colleague's change. Of equally
    near ones the first is taken.
    """
    best: Candidate | None = None
    distance = -1
    for candidate in candidates:
        found = len(diff(candidate.text, mine))
        if best is None or found < distance:
            best, distance = candidate, found
        if not distance:
            break
    return best


def summary(changes: Sequence[Change], limit: int = 3) -> str:
    """The changes in one line."""
    shown = "; ".join(str(change) for change in changes[:limit])
    rest = len(changes) - limit
    return (f"{shown}; and {rest} more" if rest > 0 else shown) or "no change"


def _flat(data: Document, other: Document) -> dict[Key, str]:
    """Every field with its text, by key; without the things that are the same in `other`."""
    flat: dict[Key, str] = {}
    for section, value in data.items():
        if section in _NAMED and isinstance(value, dict):
            for name, inner in _unlike(value, other.get(section)):
                _spread(flat, f"{_NAMED[section]} {name}", inner)
        elif section == "default":
            flat[_DEFAULT] = _text(value)
        elif section not in {"version", "routes", *_NAMED}:
            _spread(flat, section, value)
    routes = routes_of(data)
    for name, route in _unlike(routes, routes_of(other)):
        _spread(flat, f"route {name}", _with_split(route))
    if routes:
        flat[_ORDER] = ", ".join(routes)
    return flat


def _unlike(things: Mapping[str, T], others: object) -> Iterable[tuple[str, T]]:
    """The things that are not, or not so, among the others."""
    if not isinstance(others, dict):
        return things.items()
    missing = object()
    return [(name, it) for name, it in things.items() if others.get(name, missing) != it]


def _with_split(route: Document) -> Document:
    """`upstream: x` and `split: {x: 100}` say the same, so both are shown as a split."""
    shares = split_of(route)
    if shares is None:
        return route
    kept: Document = {
        key: value for key, value in route.items() if key not in {"upstream", "split", "name"}
    }
    return {**kept, "split": shares_text(shares)}


def _spread(flat: dict[Key, str], what: str, value: Value) -> None:
    flat[what, ""] = "there"
    _spread_fields(flat, what, "", value)


def _spread_fields(flat: dict[Key, str], what: str, path: str, value: Value) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _spread_fields(flat, what, f"{path}.{name}" if path else name, inner)
    elif path:
        flat[what, path] = _text(value)


def _text(value: Value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value) or "none"
    return value or "nothing"


def _without_details(changes: list[Change]) -> Iterable[Change]:
    """Fields of a thing that came or went say nothing more, nor does the order that follows."""
    whole = {change.what for change in changes if not change.field}
    for change in changes:
        if change.what in whole and change.field:
            continue
        if (change.what, change.field) == _ORDER and not _reordered(change):
            continue
        yield change


def _reordered(change: Change) -> bool:
    before, after = ((text or "").split(", ") for text in (change.before, change.after))
    both = set(before) & set(after)
    return [name for name in before if name in both] != [name for name in after if name in both]


def _shown(value: str | None) -> str:
    return "unset" if value is None else value
